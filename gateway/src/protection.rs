//! Who may look, and https: from files, which are taken up again when they have changed.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use terminal::Failure;
use tokio_rustls::TlsAcceptor;

use crate::http::Access;
use crate::renewal::{Files, Renewable, Told};
use crate::text_file;
use crate::tls::{Certificate, TlsError};

/// Who may look by the file at `path`, which is taken up again when it has changed.
pub(crate) fn access(path: &Path, renewables: &mut Vec<Renewable>) -> Result<Arc<Access>, Failure> {
    let told = |error: &dyn Display| Failure::usage(format!("{}: {error}", path.display()));
    let files = Files::at([path]);
    let text = text_file::read(path).map_err(|error| told(&error))?;
    let access = Arc::new(Access::read(&text).map_err(|error| told(&error))?);
    let (replaced, path) = (Arc::clone(&access), path.to_owned());
    let take = move || {
        let told = |error: &dyn Display| format!("{}: {error}", path.display());
        let text = text_file::read(&path).map_err(|error| told(&error))?;
        replaced.replace(&text).map_err(|error| told(&error))
    };
    let told = Told {
        taken: Some("the file of --access has changed: whom it names now is let in, and nobody else"),
        kept: "whom it named before is let in, and nobody else",
    };
    renewables.push(files.renewed_by(told, take));
    Ok(access)
}

/// What speaks https, with a certificate that is taken up again when it was renewed.
pub(crate) fn https(certificate: &Path, key: &Path, renewables: &mut Vec<Renewable>) -> Result<TlsAcceptor, TlsError> {
    let files = Files::at([certificate, key]);
    let certificate = Arc::new(Certificate::read(certificate, key)?);
    let acceptor = certificate.acceptor()?;
    let told = Told {
        taken: Some("the certificate was renewed; whoever connects is shown the new one"),
        kept: "https goes on with the certificate of before",
    };
    renewables.push(files.renewed_by(told, move || certificate.renew().map_err(|error| error.to_string())));
    Ok(acceptor)
}
