//! The client itself: proxies, and which certificates are trusted.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;
use reqwest::{NoProxy, Proxy};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::HttpError;
use crate::host::env::Env;
use crate::host::files;

/// The most that is read of one certificate file; a bundle of all public authorities has 250 KiB.
const BUNDLE_CAP: u64 = 16 << 20;

/// Makes the client. Certificates are those of `SSL_CERT_FILE` and `SSL_CERT_DIR` when either is set, else the system's,
/// else, on a machine that has none (an image made from scratch), Mozilla's as of the day sealift was built.
pub(super) fn client(env: &Env, patience: Duration) -> Result<Client, HttpError> {
    // One provider for the whole process; a second installation changes nothing.
    rustls::crypto::ring::default_provider().install_default().ok();
    if let Some(roots) = configured_roots(env)? {
        return with_roots(env, patience, roots);
    }
    match builder(env, patience)?.build() {
        Ok(client) => Ok(client),
        Err(_) => with_roots(env, patience, RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
    }
}

/// Whether a request failed because of the server's certificate: another try would fail the same way.
pub(super) fn refused_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // An io::Error names as its source the source of what it holds, and not what it holds.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    false
}

fn builder(env: &Env, patience: Duration) -> Result<ClientBuilder, HttpError> {
    let mut builder = Client::builder()
        .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(patience.min(Duration::from_secs(30)))
        .timeout(patience);
    for proxy in proxies(env)? {
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}

fn with_roots(env: &Env, patience: Duration, roots: RootCertStore) -> Result<Client, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Setup { why: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = builder(env, patience)?.tls_backend_preconfigured(config).build();
    client.map_err(|error| HttpError::Setup { why: error.without_url().to_string() })
}

/// The proxies of the environment, in both cases of their names as curl and Go read them. The machine itself is never
/// reached through one.
fn proxies(env: &Env) -> Result<Vec<Proxy>, HttpError> {
    let var = |name: &str| env.var(name).or_else(|| env.var(&name.to_lowercase()));
    let direct = format!("localhost,127.0.0.0/8,::1,{}", var("NO_PROXY").unwrap_or(""));
    let mut proxies = Vec::new();
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        let Some(url) = var(name) else { continue };
        let proxy = match name {
            "HTTPS_PROXY" => Proxy::https(url),
            "HTTP_PROXY" => Proxy::http(url),
            _ => Proxy::all(url),
        };
        // The value may hold a password: it is not repeated.
        let proxy = proxy.map_err(|_| HttpError::Setup { why: format!("{name} is not the URL of a proxy") })?;
        proxies.push(proxy.no_proxy(NoProxy::from_string(&direct)));
    }
    Ok(proxies)
}

/// The certificates that the environment names, if it names any. As for OpenSSL a folder may hold other files too, and
/// names may repeat; but an environment that leads to no certificate at all is an error, not a reason for others.
fn configured_roots(env: &Env) -> Result<Option<RootCertStore>, HttpError> {
    let (file, dirs) = (env.var("SSL_CERT_FILE"), env.var("SSL_CERT_DIR"));
    if file.is_none() && dirs.is_none() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    if let Some(file) = file {
        collect(Path::new(file), &mut found);
    }
    for dir in dirs.map(std::env::split_paths).into_iter().flatten() {
        for name in files::names(&dir).unwrap_or_default() {
            collect(&dir.join(name), &mut found);
        }
    }
    let mut roots = RootCertStore::empty();
    let (count, _) = roots.add_parsable_certificates(found.into_iter().map(CertificateDer::from));
    if count == 0 {
        let why = "SSL_CERT_FILE and SSL_CERT_DIR lead to no certificate".to_owned();
        return Err(HttpError::Setup { why });
    }
    Ok(Some(roots))
}

fn collect(path: &Path, found: &mut BTreeSet<Vec<u8>>) {
    if let Ok(Some(bytes)) = files::read_if_present(path, BUNDLE_CAP) {
        found.extend(CertificateDer::pem_slice_iter(&bytes).flatten().map(|certificate| certificate.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::CertificateError;

    use super::*;

    #[test]
    fn a_refused_certificate_is_found_within_other_errors() {
        let refused = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert!(refused_certificate(&refused()));
        assert!(refused_certificate(&io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused()))));
        assert!(!refused_certificate(&io::Error::other(rustls::Error::DecryptError)));
        assert!(!refused_certificate(&io::Error::from(io::ErrorKind::TimedOut)));
    }

    #[test]
    fn built_in_certificates_make_a_client() {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        assert!(!roots.is_empty());
        with_roots(&Env::default(), Duration::from_secs(1), roots).unwrap();
    }
}
