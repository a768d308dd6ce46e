// SPDX-License-Identifier: Apache-2.0

// Package server answers requests, tells orchestrators how it feels, and stops without dropping a request.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"example.com/service/internal/page"
)

// Build says what the running binary was made from.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	Go      string `json:"go"`
}

// Stop says how a server ends.
type Stop struct {
	// Grace is how long /readyz says no while requests are still answered, so that load balancers look elsewhere first.
	Grace time.Duration
	// Drain is how long requests that have begun may take.
	Drain time.Duration
}

// Server is the service's HTTP side.
type Server struct {
	build  Build
	logger *slog.Logger
	ready  atomic.Bool
	mux    *http.ServeMux
}

// New makes a server that is not ready yet.
func New(build Build, logger *slog.Logger) *Server {
	s := &Server{build: build, logger: logger, mux: http.NewServeMux()}
	s.mux.Handle("GET /{$}", page.Handler())
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /readyz", s.readiness)
	s.mux.HandleFunc("GET /version", s.version)
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// Serve answers requests on a listener until ctx ends, then stops as stop says.
// It gives nil when every request that had begun was answered.
func (s *Server) Serve(ctx context.Context, listener net.Listener, stop Stop) error {
	// Slow or silent clients must not hold connections for ever.
	web := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	s.ready.Store(true)
	s.logger.Info("ready")

	select {
	case err := <-failed:
		s.ready.Store(false)
		return err
	case <-ctx.Done():
	}
	s.ready.Store(false)
	s.logger.Info("draining", "grace", stop.Grace.String(), "drain", stop.Drain.String())
	time.Sleep(stop.Grace)
	return s.drain(web, stop.Drain)
}

// drain lets running requests end, and cuts those that do not.
func (s *Server) drain(web *http.Server, limit time.Duration) error {
	// The context that ended is what brings us here: this one must be its own.
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil {
		s.logger.Error("requests were cut off", "error", err.Error())
		return errors.Join(err, web.Close())
	}
	s.logger.Info("stopped")
	return nil
}

// health says that the process lives; it never speaks of anything outside the process.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	text(w, http.StatusOK, "ok\n")
}

// readiness says whether new requests are welcome: not before the start is done, and not while draining.
func (s *Server) readiness(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		text(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	text(w, http.StatusOK, "ready\n")
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// The client went away: nobody is left to be told.
	_ = json.NewEncoder(w).Encode(s.build)
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
