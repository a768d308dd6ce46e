//! A report for people: a table for the terminal, Markdown for a pull request.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::matching::Finding;
use super::report::{Judged, Report};
use crate::sanitize::sanitize_line;
use crate::table::{Column, Table};

/// Functions of one vulnerability that are named; more are counted.
const NAMED: usize = 3;

/// What differs between two rows.
type Row = (String, String, String, &'static str, String);

/// One line for each vulnerability of a package, with the programs that have it.
pub fn table(report: &Report) -> Table {
    let mut table = Table::new([
        Column::text("vulnerability"),
        Column::text("package"),
        Column::text("version"),
        Column::text("fixed in"),
        Column::text("severity"),
        Column::text("function"),
        Column::text("programs"),
        Column::text("decision"),
    ]);
    for (judged, programs) in rows(report) {
        let finding = &judged.finding;
        let (fixed, severity) = (finding.fixed.clone().unwrap_or_else(|| "-".into()), severity(finding));
        let programs = programs_of(report, &programs);
        table.push([
            finding.id.clone(),
            finding.package.clone(),
            finding.version.clone(),
            fixed,
            severity,
            function(finding),
            programs,
            judged.decision.describe(),
        ]);
    }
    table
}

/// The report as Markdown. Text from databases and programs is escaped: it can neither link, mention nor format.
pub fn markdown(report: &Report) -> String {
    let mut out = String::from("### Known vulnerabilities\n\n");
    let rows = rows(report);
    let closing = report.closing();
    let verdict = match (report.closed, closing, rows.len()) {
        (true, 0, _) if report.lapses.is_empty() => "The gate is **closed**: programs hide what is in them.".to_owned(),
        (true, 0, _) => "The gate is **closed**: statements hold no longer.".to_owned(),
        (true, closing, _) => format!("The gate is **closed**: {closing} of {} findings close it.", rows.len()),
        (false, _, 0) => "None are known in what is linked.".to_owned(),
        (false, _, count) => format!("The gate is open; {count} findings are told."),
    };
    writeln!(out, "{verdict}\n").expect("writing to a string");
    if !rows.is_empty() {
        out += "| Vulnerability | Package | Version | Fixed in | Severity | Function | Programs | Decision |\n";
        out += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    }
    for (judged, programs) in &rows {
        let finding = &judged.finding;
        let cells = [
            format!("{}: {}", finding.id, finding.summary),
            finding.package.clone(),
            finding.version.clone(),
            finding.fixed.clone().unwrap_or_else(|| "-".into()),
            severity(finding),
            function(finding),
            programs_of(report, programs),
            judged.decision.describe(),
        ];
        let cells = cells.map(|cell| escape(&cell)).join(" | ");
        writeln!(out, "| {cells} |").expect("writing to a string");
    }
    for lapse in &report.lapses {
        writeln!(out, "\n- {}", escape(&lapse.describe())).expect("writing to a string");
    }
    for silent in &report.silent {
        let gate = if report.hiding().any(|hiding| hiding == silent) { " (closes the gate)" } else { "" };
        writeln!(out, "\n- {}{gate}", escape(&silent.describe())).expect("writing to a string");
    }
    for command in &report.upgrade {
        writeln!(out, "\nTo fix: {}", escape(command)).expect("writing to a string");
    }
    if report.toolchain_alone == Some(true) {
        out += "\nA newer Go toolchain alone fixes it.\n";
    }
    for database in &report.databases {
        let age = database.age(report.at).map_or_else(|| "of unknown age".into(), |age| format!("{} old", days(age)));
        writeln!(out, "\nDatabase: {}, {age}.", escape(&database.place)).expect("writing to a string");
    }
    out
}

/// An age for people: `3 days`, `1 day`, `5 hours`.
pub fn days(seconds: u64) -> String {
    let plural = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..3600 => plural(seconds / 60, "minute"),
        3600..86_400 => plural(seconds / 3600, "hour"),
        _ => plural(seconds / 86_400, "day"),
    }
}

/// Each finding once, with the programs that have it; what closes the gate first.
fn rows(report: &Report) -> Vec<(&Judged, Vec<usize>)> {
    let mut rows: BTreeMap<(bool, Row), (&Judged, Vec<usize>)> = BTreeMap::new();
    for (at, program) in report.programs.iter().enumerate() {
        for judged in &program.findings {
            let finding = &judged.finding;
            let decision = judged.decision.describe();
            let later = judged.decision != super::gate::Decision::Closes;
            let key = (
                finding.package.clone(),
                finding.id.clone(),
                finding.version.clone(),
                finding.presence.describe(),
                decision,
            );
            rows.entry((later, key)).or_insert((judged, Vec::new())).1.push(at);
        }
    }
    rows.into_values().collect()
}

fn programs_of(report: &Report, programs: &[usize]) -> String {
    match programs {
        [one] => report.programs[*one].subject.name.clone(),
        all if all.len() == report.programs.len() => "all".to_owned(),
        some => format!("{} of {}", some.len(), report.programs.len()),
    }
}

fn severity(finding: &Finding) -> String {
    match (&finding.severity, &finding.informational) {
        (Some(severity), _) => format!("{} {}", severity.score.word(), severity.score),
        (None, Some(word)) => word.clone(),
        (None, None) => "-".to_owned(),
    }
}

/// Some of the vulnerable functions, else why there is none.
fn function(finding: &Finding) -> String {
    if finding.symbols.is_empty() {
        return finding.presence.describe().to_owned();
    }
    let some: Vec<String> = finding.symbols.iter().take(NAMED).map(|one| short(&one.package, &one.name)).collect();
    let more = finding.symbols.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", some.join(", "))
}

/// `http.Client.Do` for `net/http` and `Client.Do`; a major version is no package's name.
fn short(package: &str, name: &str) -> String {
    let is_major =
        |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let last = package.rsplit('/').find(|part| !is_major(part)).unwrap_or(package);
    format!("{last}.{name}")
}

/// Text as text in a cell of GitHub's Markdown.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in sanitize_line(text).chars() {
        match c {
            '&' | '<' | '>' | '@' | '|' | '#' => write!(out, "&#{};", u32::from(c)).expect("writing to a string"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // A bare address would become a link.
            ':' => out += "&#58;",
            c => out.push(c),
        }
    }
    out.replace("www.", "www&#46;")
}
