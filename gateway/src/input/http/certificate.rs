//! Why a camera's certificate is not accepted, in words for people.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{CertificateError, Error as TlsError};

/// Why the certificate was not accepted, if that is why the request came to nothing.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(TlsError::InvalidCertificate(reason)) = error.downcast_ref() {
            return Some(words(reason));
        }
        // What an I/O error was made of is not what it names as its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn words(reason: &CertificateError) -> String {
    let words = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, by the clock of this machine"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, by the clock of this machine"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name; give the address by a name that stands in it"
        }
        CertificateError::UnknownIssuer => {
            "this machine trusts nobody who has signed it; add the signer's certificate to those that it trusts"
        }
        // As `openssl req -x509` makes it if nothing else is said. The library has no name of its own for it.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "it is one to sign others with (CA:TRUE), and not a server's own; give the camera one that is"
        }
        other => return other.to_string(),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_however_it_was_passed_on_and_said_in_words() {
        let refused = || TlsError::InvalidCertificate(CertificateError::Expired);
        let passed_on = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused()));
        for error in [&refused() as &(dyn Error + 'static), &passed_on] {
            assert_eq!(refusal(error).as_deref(), Some("it has expired, by the clock of this machine"));
        }
        assert_eq!(refusal(&io::Error::other("the cable was pulled")), None);
        assert_eq!(refusal(&TlsError::DecryptError), None);
    }
}
