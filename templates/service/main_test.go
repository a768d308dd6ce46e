// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func env(vars map[string]string) func(string) string {
	return func(key string) string { return vars[key] }
}

func TestVersionFlag(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-version"}, env(nil), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "service dev (commit none, unknown, go") {
		t.Errorf("got %q", got)
	}
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{{"-nosuch"}, {"word"}, {"-drain", "soon"}} {
		var log bytes.Buffer
		if err := run(t.Context(), args, env(nil), io.Discard, &log); !errors.Is(err, errUsage) {
			t.Errorf("%q: got %v", args, err)
		}
		if log.Len() == 0 {
			t.Errorf("%q: the user was told nothing", args)
		}
	}
	if err := run(t.Context(), []string{"-h"}, env(nil), io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: got %v", err)
	}
}

func TestAnAddressThatCannotBeUsed(t *testing.T) {
	err := run(t.Context(), nil, env(map[string]string{"ADDR": "127.0.0.1:nosuch"}), io.Discard, io.Discard)
	if err == nil || errors.Is(err, errUsage) {
		t.Errorf("got %v", err)
	}
}

// The whole program: it takes its address from the environment, serves, and ends when it is told to.
func TestServesUntilStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	logs, log := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-grace", "0s"}, env(map[string]string{"ADDR": "127.0.0.1:0"}), io.Discard, log)
		log.Close()
		done <- err
	}()

	decoder := json.NewDecoder(logs)
	var first struct{ Msg, Addr string }
	if err := decoder.Decode(&first); err != nil || first.Msg != "listening" {
		t.Fatalf("first log line: %+v, %v", first, err)
	}
	go io.Copy(io.Discard, logs)

	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get("http://" + first.Addr + "/version")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var build struct{ Version, Commit, Date, Go string }
	if err := json.NewDecoder(answer.Body).Decode(&build); err != nil {
		t.Fatal(err)
	}
	if build.Version != "dev" || build.Commit != "none" || build.Date != "unknown" || !strings.HasPrefix(build.Go, "go") {
		t.Errorf("got %+v", build)
	}

	client.CloseIdleConnections()
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("did not end")
	}
}
