// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

var build = Build{Version: "1.2.3", Commit: "0123abcd", Date: "2026-01-02T03:04:05Z", Go: "go1.26"}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func status(s *Server, method, path string) int {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
	return answer.Code
}

func TestAliveBeforeReady(t *testing.T) {
	s := New(build, quiet())
	if got := status(s, "GET", "/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	if got := status(s, "GET", "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz before the start: %d", got)
	}
}

func TestOnlyWhatIsOffered(t *testing.T) {
	s := New(build, quiet())
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", http.StatusOK},
		{"HEAD", "/version", http.StatusOK},
		{"POST", "/version", http.StatusMethodNotAllowed},
		{"GET", "/nosuch", http.StatusNotFound},
	} {
		if got := status(s, c.method, c.path); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.want)
		}
	}
}

func TestVersionIsTheBuild(t *testing.T) {
	answer := httptest.NewRecorder()
	New(build, quiet()).ServeHTTP(answer, httptest.NewRequest("GET", "/version", nil))
	var got Build
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got != build {
		t.Errorf("got %+v, %v", got, err)
	}
}

// started is a server on a real port, with one more path that waits until it is let go.
type started struct {
	url     string
	begun   chan struct{}
	letGo   chan struct{}
	stop    context.CancelFunc
	stopped chan error
}

func start(t *testing.T, stop Stop) started {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := started{"http://" + listener.Addr().String(), make(chan struct{}), make(chan struct{}), cancel, make(chan error, 1)}
	s := New(build, quiet())
	s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		close(r.begun)
		<-r.letGo
		_, _ = io.WriteString(w, "done")
	})
	go func() { r.stopped <- s.Serve(ctx, listener, stop) }()
	r.await(t, http.StatusOK)
	return r
}

// await asks /readyz until it gives a status.
func (r started) await(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		if answer, err := http.Get(r.url + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == want {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("/readyz never gave %d", want)
}

func (r started) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.stopped:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the server did not end")
		return nil
	}
}

func TestNotReadyWhileDrainingAndNoRequestIsDropped(t *testing.T) {
	r := start(t, Stop{Grace: 500 * time.Millisecond, Drain: 10 * time.Second})
	answered := make(chan string, 1)
	go func() {
		answer, err := http.Get(r.url + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		answered <- string(body)
	}()
	<-r.begun
	r.stop()
	r.await(t, http.StatusServiceUnavailable)
	close(r.letGo)
	if got := <-answered; got != "done" {
		t.Errorf("the running request got %q", got)
	}
	if err := r.end(t); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestARequestThatNeverEndsIsCut(t *testing.T) {
	r := start(t, Stop{Drain: 50 * time.Millisecond})
	defer close(r.letGo)
	go func() {
		if answer, err := http.Get(r.url + "/slow"); err == nil {
			answer.Body.Close()
		}
	}()
	<-r.begun
	r.stop()
	if err := r.end(t); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
}

func TestABrokenListenerIsReported(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := New(build, quiet()).Serve(t.Context(), listener, Stop{}); err == nil {
		t.Error("no error")
	}
}
