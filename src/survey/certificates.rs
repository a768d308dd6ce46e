//! Authorities of one's own that an image trusts.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sealift_trust::Digest;
use serde::Serialize;

use super::SurveyError;
use crate::host::files;

/// The most that one file of certificates may have: all public authorities have 250 KiB.
const CAP: u64 = 4 << 20;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Certificate {
    /// The digest of its DER form.
    pub digest: Digest,
    /// Its DER form.
    #[serde(skip)]
    pub der: Vec<u8>,
}

/// Reads a PEM file that holds certificates and nothing else: what goes into an image is public, and a key is not.
pub(super) fn read(path: &str, file: &Path) -> Result<Vec<Certificate>, SurveyError> {
    let refuse = |why: String| SurveyError::Certificate { path: path.to_owned(), why };
    let bytes = files::read(file, CAP)?;
    let begins = bytes.windows(11).filter(|window| window == b"-----BEGIN ").count();
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| refuse(format!("its PEM cannot be read: {error}")))?;
        // Read as an authority, as a TLS client will read it.
        RootCertStore::empty().add(certificate.clone()).map_err(|error| refuse(error.to_string()))?;
        found.push(Certificate { digest: Digest::of(&certificate), der: certificate.to_vec() });
    }
    match found.len() {
        0 => Err(refuse("there is no certificate in it".to_owned())),
        count if count < begins => Err(refuse("it holds something else than certificates".to_owned())),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn refused(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        crate::host::staging::write(file.path(), text.as_bytes(), 0o644).unwrap();
        let error = read("a.pem", file.path()).unwrap_err();
        assert_eq!(error.code(), "survey.certificate");
        error.to_string()
    }

    fn public() -> String {
        // The first of the public authorities, as PEM.
        let der = webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].to_vec();
        let text = <base64ct::Base64 as base64ct::Encoding>::encode_string(&der);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    #[test]
    fn certificates_and_nothing_else_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        crate::host::staging::write(file.path(), format!("# ours\n{}", public()).as_bytes(), 0o644).unwrap();
        assert_eq!(read("a.pem", file.path()).unwrap()[0].der, webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].to_vec());
        assert!(refused("").contains("no certificate"));
        let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
        assert!(refused(&(public() + key)).contains("something else"));
        assert!(refused(&public().replacen("MII", "AAA", 1)).contains("a.pem"));
    }
}
