// SPDX-License-Identifier: Apache-2.0

package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, etag string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, request)
	return answer
}

func TestServesTheEmbeddedPageOnce(t *testing.T) {
	first := get(t, "")
	if first.Code != http.StatusOK || !strings.Contains(first.Body.String(), "<h1>It runs.</h1>") {
		t.Fatalf("got %d: %s", first.Code, first.Body)
	}
	again := get(t, first.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("got %d with %d bytes", again.Code, again.Body.Len())
	}
	if other := get(t, `"other"`); other.Code != http.StatusOK {
		t.Errorf("another ETag: got %d", other.Code)
	}
}
