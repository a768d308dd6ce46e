//! Scrypt (RFC 7914), as key files of other programs want it.

use zeroize::Zeroizing;

use super::{KeyError, Passphrase};

/// Makes `N` bytes of a passphrase. What would take more than 1 GiB, which minisign's default does, or more than sixteen
/// times as long is refused before it takes any.
pub(crate) fn stretch<const N: usize>(
    passphrase: &Passphrase,
    salt: &[u8],
    (log_n, r, p): (u8, u32, u32),
) -> Result<Zeroizing<[u8; N]>, KeyError> {
    let refuse = || KeyError::OtherEncryption("its scrypt asks for more than 1 GiB, or is invalid".to_owned());
    let memory = 1_u64.checked_shl(log_n.into()).and_then(|n| n.checked_mul(128 * u64::from(r)));
    if memory.is_none_or(|bytes| bytes > 1 << 30) || !(1..=16).contains(&p) || r == 0 || log_n == 0 {
        return Err(refuse());
    }
    let parameters = scrypt::Params::new(log_n, r, p).map_err(|_| refuse())?;
    let mut out = Zeroizing::new([0; N]);
    scrypt::scrypt(passphrase.bytes(), salt, &parameters, &mut out[..]).map_err(|_| refuse())?;
    Ok(out)
}
