// SPDX-License-Identifier: Apache-2.0

// Package page holds the start page, which is part of the binary.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"
)

//go:embed index.html
var index []byte

// Handler serves the start page. Clients that have it are told so instead of getting it again.
func Handler() http.Handler {
	sum := sha256.Sum256(index)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("ETag", etag)
		// No modification time: an embedded file has none, and the ETag says more.
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(index))
	})
}
