// SPDX-License-Identifier: Apache-2.0

// Command service answers HTTP requests, says whether it is healthy and ready, and stops without dropping a request.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"example.com/service/internal/server"
)

// Stamped by the linker: -X main.version=… -X main.commit=… -X main.date=…
var (
	version = "dev"
	commit  = "none"
	date    = "unknown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// Once the first signal has come, a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// errUsage says that the command line is wrong, and that the user has been told.
var errUsage = errors.New("usage")

// run serves until ctx ends. What it prints goes to out, what it logs to log.
func run(ctx context.Context, args []string, getenv func(string) string, out, log io.Writer) error {
	addr := getenv("ADDR")
	if addr == "" {
		addr = ":8080"
	}
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&addr, "addr", addr, "address to listen on; the default is $ADDR, if set")
	grace := flags.Duration("grace", time.Second, "how long /readyz says no before connections are refused")
	drain := flags.Duration("drain", 20*time.Second, "how long running requests may take at the end")
	showVersion := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(log, "unexpected argument %q\n", flags.Arg(0))
		return errUsage
	}

	build := server.Build{Version: version, Commit: commit, Date: date, Go: runtime.Version()}
	if *showVersion {
		_, err := fmt.Fprintf(out, "service %s (commit %s, %s, %s)\n", build.Version, build.Commit, build.Date, build.Go)
		return err
	}

	logger := slog.New(slog.NewJSONHandler(log, nil))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	logger.Info("listening", "addr", listener.Addr().String(), "version", build.Version, "commit", build.Commit)
	return server.New(build, logger).Serve(ctx, listener, server.Stop{Grace: *grace, Drain: *drain})
}
