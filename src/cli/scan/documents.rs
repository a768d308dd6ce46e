//! The findings as documents: for code scanning, for a pull request, for policies and scanners of others.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{World, data, pretty};
use crate::attest::keys::{self, Places};
use crate::attest::{self, Signer};
use crate::error::{Failure, Kind};
use crate::host::staging;
use crate::scan::vex::Statement;
use crate::scan::{self, Report};

#[derive(Args)]
pub struct Documents {
    /// What stands on stdout, also when the gate closes
    #[arg(long, value_name = "FORM", default_value = "table")]
    format: Form,
    /// Write the findings as SARIF, for code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write the findings as Markdown, for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the findings as an OpenVEX document, for those who scan the release later
    #[arg(long, value_name = "FILE")]
    openvex: Option<PathBuf>,
    /// Write the findings as an in-toto statement (vulns 0.1), for a policy
    #[arg(long, value_name = "FILE")]
    vulns: Option<PathBuf>,
    /// Sign what --openvex and --vulns write with this key, as FILE.sigstore.json beside it
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A table for people, and one line for each finding
    Table,
    /// The whole report
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// GitHub's Markdown
    Markdown,
    /// OpenVEX
    Vex,
    /// An in-toto statement with the predicate vulns 0.1
    Vulns,
}

impl Documents {
    /// Writes the files that are asked for, and signs them.
    pub fn write(
        &self,
        world: &World<'_>,
        report: &Report,
        statements: &[Statement],
        author: &str,
    ) -> Result<(), Failure> {
        let signer = match &self.sign {
            Some(path) => Some(signer(world, path)?),
            None => None,
        };
        if signer.is_some() && self.openvex.is_none() && self.vulns.is_none() {
            let message = "there is nothing to sign: --openvex or --vulns names a file".to_owned();
            return Err(super::super::usage("usage.scan-sign", Kind::Usage, message, None));
        }
        let text = |form| self.text(form, report, statements, author);
        for (path, form) in [(&self.sarif, Form::Sarif), (&self.markdown, Form::Markdown)] {
            if let Some(path) = path {
                staging::write(&world.dir().join(path), text(form).as_bytes(), 0o644)?;
            }
        }
        for (path, form) in [(&self.openvex, Form::Vex), (&self.vulns, Form::Vulns)] {
            let Some(path) = path else { continue };
            let path = world.dir().join(path);
            let bytes = text(form);
            staging::write(&path, bytes.as_bytes(), 0o644)?;
            if let Some(signer) = &signer {
                let statement = if form == Form::Vex { about(report, &bytes) } else { scan::vulns(report) };
                let bundle = attest::bundle(statement.to_string().into_bytes(), signer)?;
                let name = format!("{}.sigstore.json", path.file_name().unwrap_or_default().to_string_lossy());
                staging::write(&path.with_file_name(name), &bundle, 0o644)?;
            }
        }
        Ok(())
    }

    /// What stands on stdout instead of the lines for people.
    pub fn shown(&self, report: &Report, statements: &[Statement], author: &str) -> Option<String> {
        (self.format != Form::Table).then(|| self.text(self.format, report, statements, author))
    }

    fn text(&self, form: Form, report: &Report, statements: &[Statement], author: &str) -> String {
        match form {
            Form::Table => scan::table(report).to_string(),
            Form::Json => pretty(&data(report)),
            Form::Sarif => pretty(&scan::sarif(report)),
            Form::Markdown => scan::markdown(report),
            Form::Vex => pretty(&scan::openvex(report, statements, author, report.at)),
            Form::Vulns => pretty(&scan::vulns(report)),
        }
    }
}

/// The statement that is signed for an OpenVEX document: about the programs that were scanned.
fn about(report: &Report, document: &str) -> Value {
    let mut statement = scan::vulns(report);
    statement["predicateType"] = json!(scan::OPENVEX_TYPE);
    statement["predicate"] = serde_json::from_str(document).expect("the document was just written");
    statement
}

fn signer<'a>(world: &World<'_>, path: &Path) -> Result<Signer<'a>, Failure> {
    let path = world.dir().join(path);
    let places = Places { option: Some(&path), config: None };
    let loaded = keys::load_secret(world.host, &places)?;
    let missing = || {
        let message = format!("there is no key in {}", path.display());
        super::super::usage("usage.scan-sign-key", Kind::Usage, message, None)
    };
    Ok(Signer::Key(loaded.ok_or_else(missing)?.key))
}
