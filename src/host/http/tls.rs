//! The client itself: proxies, and which certificates are trusted.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, NoProxy, Proxy};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::HttpError;
use crate::host::env::Env;
use crate::host::files;

/// The most that is read of one certificate file; a bundle of all public authorities has 250 KiB.
const BUNDLE_CAP: u64 = 16 << 20;

/// Certificates of one server beside those that every server may use.
#[derive(Clone, Default)]
pub struct Trust {
    /// Authorities, in PEM.
    authorities: Vec<Vec<u8>>,
    /// Our own certificate and its key, in PEM (mutual TLS).
    identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl Trust {
    /// Reads further authorities, and a certificate of our own with its key. Errors: a file that cannot be read or holds
    /// no such thing; a certificate without key, or a key without certificate.
    pub fn read(ca: Option<&Path>, certificate: Option<&Path>, key: Option<&Path>) -> Result<Self, HttpError> {
        let mut trust = Self::default();
        if let Some(path) = ca {
            let bytes = pem(path)?;
            let found = CertificateDer::pem_slice_iter(&bytes).flatten();
            trust.authorities = found.map(|certificate| certificate.to_vec()).collect();
            if trust.authorities.is_empty() {
                return Err(setup(format!("{} holds no certificate in PEM form", path.display())));
            }
        }
        trust.identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let (certificate, secret) = (pem(certificate)?, Zeroizing::new(pem(key)?));
                // Checked here, where the files have names; the client's own error has none.
                if PrivateKeyDer::from_pem_slice(&secret).is_err() {
                    return Err(setup(format!("{} holds no private key in PEM form", key.display())));
                }
                Some((certificate, secret))
            }
            _ => return Err(setup("a client certificate needs its key, and a key its certificate".into())),
        };
        Ok(trust)
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, HttpError> {
        let Some((certificate, _)) = &self.identity else { return Ok(Vec::new()) };
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        all.map_err(|error| setup(format!("the client certificate is not PEM: {error}")))
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, HttpError> {
    files::read(path, BUNDLE_CAP).map_err(|error| {
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        setup(format!("{error}{cause}"))
    })
}

fn setup(why: String) -> HttpError {
    HttpError::Setup { why }
}

/// Makes the client. Certificates are those of `SSL_CERT_FILE` and `SSL_CERT_DIR` when either is set, else the system's,
/// else, on a machine that has none (an image made from scratch), Mozilla's as of the day sealift was built.
pub(super) fn client(env: &Env, trust: &Trust, http1: bool, patience: Duration) -> Result<Client, HttpError> {
    // One provider for the whole process; a second installation changes nothing.
    rustls::crypto::ring::default_provider().install_default().ok();
    let begin = || builder(env, http1, patience);
    if let Some(roots) = configured_roots(env)? {
        return with_roots(begin()?, trust, http1, roots);
    }
    let mut system = begin()?;
    let authorities: Result<Vec<_>, _> = trust.authorities.iter().map(|der| Certificate::from_der(der)).collect();
    system = system.tls_certs_merge(authorities.map_err(|error| setup(error.to_string()))?);
    if let Some((certificate, key)) = &trust.identity {
        let both = Zeroizing::new([certificate.as_slice(), b"\n", key].concat());
        let identity = Identity::from_pem(&both);
        system = system.identity(identity.map_err(|_| setup("the client certificate and its key are no pair".into()))?);
    }
    match system.build() {
        Ok(client) => Ok(client),
        Err(_) => {
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            with_roots(begin()?, trust, http1, roots)
        }
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

fn builder(env: &Env, http1: bool, patience: Duration) -> Result<ClientBuilder, HttpError> {
    let mut builder = Client::builder()
        .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(patience.min(Duration::from_secs(30)));
    if http1 {
        builder = builder.http1_only();
    }
    for proxy in proxies(env)? {
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}

fn with_roots(
    builder: ClientBuilder,
    trust: &Trust,
    http1: bool,
    mut roots: RootCertStore,
) -> Result<Client, HttpError> {
    roots.add_parsable_certificates(
        trust.authorities.iter().map(|der| CertificateDer::from(der.as_slice()).into_owned()),
    );
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?
        .with_root_certificates(roots);
    let mut config = match &trust.identity {
        None => config.with_no_client_auth(),
        Some((_, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| setup(error.to_string()))?;
            config.with_client_auth_cert(trust.certificates()?, key).map_err(|error| setup(error.to_string()))?
        }
    };
    let protocols: &[&[u8]] = if http1 { &[b"http/1.1"] } else { &[b"h2", b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let client = builder.tls_backend_preconfigured(config).build();
    client.map_err(|error| setup(error.without_url().to_string()))
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
        let builder = builder(&Env::default(), false, Duration::from_secs(1)).unwrap();
        with_roots(builder, &Trust::default(), false, roots).unwrap();
    }
}
