// Probe makes certificates, serves TLS, and asks a TLS server from within an image.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	switch os.Args[1] {
	case "authority": // FOLDER
		authority(os.Args[2])
	case "serve": // FOLDER ADDRESS
		must(serve(os.Args[2], os.Args[3]))
	case "get": // URL
		answer, err := http.Get(os.Args[2])
		must(err)
		must(answer.Body.Close())
		fmt.Printf("status=%d uid=%d\n", answer.StatusCode, os.Getuid())
	default:
		log.Fatalf("unknown word %q", os.Args[1])
	}
}

// An authority of our own and a certificate of it for the loopback address.
func authority(dir string) {
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Probe authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	write(dir, "ca.pem", "CERTIFICATE", caDER)
	write(dir, "tls.pem", "CERTIFICATE", der)
	write(dir, "tls.key", "PRIVATE KEY", keyDER)
}

func write(dir, name, kind string, der []byte) {
	must(os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func serve(dir, address string) error {
	listener, err := net.Listen("tcp", address)
	must(err)
	fmt.Println(listener.Addr())
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }),
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
	}
	return server.ServeTLS(listener, filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key"))
}
