//! OpenVEX documents (<https://github.com/openvex/spec>, 0.2.0) that a project keeps: which vulnerabilities do not
//! concern it, who says so, why, and until when.
//!
//! OpenVEX has no member for an end; here a statement that excuses carries one as `expires`, which other readers pass
//! over.

use serde::Deserialize;
use serde_json::Value;

use super::database::Ecosystem;
use super::error::ScanError;
use super::matching::Finding;
use super::osv::moment;
use super::purl::Purl;
use super::subject::{Product, Subject};

/// The most bytes that a document may have.
pub const VEX_CAP: u64 = 4 << 20;
const CONTEXT: &str = "https://openvex.dev/ns";
/// The words for why something is not affected.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// A statement about one vulnerability.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The document, as the user names it.
    pub file: String,
    /// The vulnerability's name.
    pub vulnerability: String,
    aliases: Vec<String>,
    products: Vec<Purl>,
    subcomponents: Vec<Purl>,
    /// What it says.
    pub status: Status,
    /// Who says so.
    pub owner: String,
    /// Why, in the document's words.
    pub reason: String,
    /// The word for why, where there is one.
    pub justification: Option<String>,
    /// Until when it holds: as written, and in seconds since 1970.
    pub expires: Option<(String, u64)>,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The product is not affected.
    NotAffected,
    /// The product is affected.
    Affected,
    /// The product holds a fix.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
}

impl Status {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "not_affected" => Self::NotAffected,
            "affected" => Self::Affected,
            "fixed" => Self::Fixed,
            "under_investigation" => Self::UnderInvestigation,
            _ => return None,
        })
    }

    /// OpenVEX's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether it takes a vulnerability out of the gate.
    pub fn excuses(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@context")]
    context: String,
    #[serde(default)]
    author: String,
    statements: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    vulnerability: Value,
    #[serde(default)]
    products: Vec<Value>,
    status: String,
    #[serde(default)]
    supplier: Option<String>,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    impact_statement: Option<String>,
    #[serde(default)]
    status_notes: Option<String>,
    #[serde(default)]
    expires: Option<String>,
}

/// Reads a document. Errors: it is not OpenVEX, or a statement that excuses names nobody, no reason or no end.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Statement>, ScanError> {
    let form = |why: String| ScanError::VexForm { file: file.to_owned(), why: ScanError::shown(&why) };
    let document: Document = serde_json::from_slice(bytes).map_err(|error| form(error.to_string()))?;
    if !document.context.starts_with(CONTEXT) {
        return Err(form(format!("its @context is {:?}", document.context)));
    }
    document.statements.into_iter().map(|written| statement(file, &document.author, written)).collect()
}

fn statement(file: &str, author: &str, written: Written) -> Result<Statement, ScanError> {
    let form = |why: String| ScanError::VexForm { file: file.to_owned(), why: ScanError::shown(&why) };
    let (vulnerability, aliases) = vulnerability(&written.vulnerability)
        .ok_or_else(|| form("a statement does not name its vulnerability".to_owned()))?;
    let about = |why: &str| form(format!("the statement about {vulnerability} {why}"));
    let status = Status::read(&written.status).ok_or_else(|| about("has an unknown status"))?;
    if let Some(word) = &written.justification
        && !JUSTIFICATIONS.contains(&word.as_str())
    {
        return Err(about("has an unknown justification"));
    }
    let (mut products, mut subcomponents) = (Vec::new(), Vec::new());
    for product in &written.products {
        products.push(purl(product).ok_or_else(|| about("has a product without a pkg:golang or pkg:cargo URL"))?);
        for part in product.get("subcomponents").and_then(Value::as_array).into_iter().flatten() {
            let part = purl(part).ok_or_else(|| about("has a subcomponent without a pkg:golang or pkg:cargo URL"))?;
            subcomponents.push(part);
        }
    }
    if products.is_empty() {
        return Err(about("names no product"));
    }
    let expires = match &written.expires {
        Some(text) => Some((text.clone(), moment(text).ok_or_else(|| about("expires at what is no time"))?)),
        None => None,
    };
    let said =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let words = said(&written.impact_statement).or_else(|| said(&written.status_notes));
    let reason = match (&written.justification, words) {
        (Some(word), Some(words)) => format!("{word}: {words}"),
        (Some(word), None) => word.clone(),
        (None, words) => words.unwrap_or_default(),
    };
    let owner = said(&written.supplier).unwrap_or_else(|| author.trim().to_owned());
    if status.excuses() {
        let lacks = [
            (owner.is_empty(), "names nobody who answers for it"),
            (reason.is_empty(), "gives no reason"),
            (expires.is_none(), "has no end"),
        ];
        if let Some((_, lacks)) = lacks.into_iter().find(|(lacking, _)| *lacking) {
            return Err(ScanError::VexIncomplete {
                file: file.to_owned(),
                vulnerability: ScanError::shown(&vulnerability),
                lacks,
            });
        }
    }
    let (file, justification) = (file.to_owned(), written.justification);
    Ok(Statement {
        file,
        vulnerability,
        aliases,
        products,
        subcomponents,
        status,
        owner,
        reason,
        justification,
        expires,
    })
}

/// `{"name": …, "aliases": […]}`, or the bare name of the format's first version.
fn vulnerability(value: &Value) -> Option<(String, Vec<String>)> {
    let name = value.as_str().or_else(|| value.get("name")?.as_str()).filter(|name| !name.is_empty())?;
    let aliases = value.get("aliases").and_then(Value::as_array).into_iter().flatten();
    Some((name.to_owned(), aliases.filter_map(Value::as_str).map(str::to_owned).collect()))
}

/// The package URL of a component: its identifier, or its `@id`.
fn purl(component: &Value) -> Option<Purl> {
    let named = component.get("identifiers").and_then(|all| all.get("purl")).or_else(|| component.get("@id"));
    Purl::read(named.unwrap_or(component).as_str()?)
}

impl Statement {
    /// Whether it is about a vulnerability of a program's package.
    pub fn is_about(&self, product: Option<&Product>, finding: &Finding) -> bool {
        let name = |name: &String| *name == finding.id || finding.aliases.contains(name);
        let part = |part: &Purl| part.names(finding.ecosystem, &finding.package, &finding.version);
        (name(&self.vulnerability) || self.aliases.iter().any(name))
            && product.is_some_and(|product| self.is_for(product))
            && (self.subcomponents.is_empty() || self.subcomponents.iter().any(part))
    }

    fn is_for(&self, product: &Product) -> bool {
        self.products.iter().any(|purl| purl.names(product.ecosystem, &product.name, &product.version))
    }

    /// Whether it holds no longer.
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.as_ref().is_some_and(|(_, at)| *at <= now)
    }
}

/// Refuses statements about products that were not scanned: they would be believed about another one.
pub fn check_products(statements: &[Statement], subjects: &[&Subject]) -> Result<(), ScanError> {
    for statement in statements {
        let ours = subjects.iter().filter_map(|subject| subject.product.as_ref());
        if ours.clone().any(|product| statement.is_for(product)) {
            continue;
        }
        let mut scanned: Vec<String> = ours.map(|product| named(product).to_string()).collect();
        scanned.sort();
        scanned.dedup();
        let product = statement.products.first().map(ToString::to_string).unwrap_or_default();
        return Err(ScanError::VexProduct {
            file: statement.file.clone(),
            vulnerability: ScanError::shown(&statement.vulnerability),
            product: ScanError::shown(&product),
            scanned: ScanError::shown(&scanned.join(", ")),
        });
    }
    Ok(())
}

/// A product as a package URL; a build without a version has none.
pub fn named(product: &Product) -> Purl {
    let version = Some(product.version.clone()).filter(|version| !version.is_empty() && version != "(devel)");
    Purl { ecosystem: product.ecosystem, name: product.name.clone(), version }
}

/// A package of a finding as a package URL; the standard library has its version without `go`.
pub fn component(finding: &Finding) -> Purl {
    let version = match finding.ecosystem {
        Ecosystem::Go => finding.version.strip_prefix("go").unwrap_or(&finding.version),
        Ecosystem::Crates => &finding.version,
    };
    Purl { ecosystem: finding.ecosystem, name: finding.package.clone(), version: Some(version.to_owned()) }
}
