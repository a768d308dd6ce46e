//! The figures: a table for people, JSON for programs, and a verdict.

use std::path::Path;

use serde::Serialize;

use super::bare::cores;
use super::measure::{Cost, median};
use crate::failure::{Failure, Outcome};

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    subject: String,
    what: String,
    peer_is: Option<String>,
    unit: &'static str,
    ours: f64,
    peer: Option<f64>,
    ratio: Option<f64>,
    ours_cpu: Option<f64>,
    peer_cpu: Option<f64>,
    ratio_cpu: Option<f64>,
    /// Of the ratio, or where there is no peer of the figure itself.
    limit: Option<f64>,
    /// Of the ratio of CPU seconds.
    limit_cpu: Option<f64>,
    passed: Option<bool>,
    rounds: usize,
}

impl Row {
    /// Medians of two sides.
    pub fn ratio(subject: &str, what: &str, peer_is: &str, ours: &[Cost], peer: &[Cost], limit: Option<f64>) -> Self {
        let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall));
        let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.cpu));
        let row = Self::of(subject, what, Some(peer_is), (wall(ours), Some(wall(peer))), limit, "s");
        let ratio_cpu = Some(cpu(ours) / cpu(peer));
        Self { ours_cpu: Some(cpu(ours)), peer_cpu: Some(cpu(peer)), ratio_cpu, rounds: ours.len(), ..row }
    }

    /// Sizes of two sides, in megabytes.
    pub fn sizes(subject: &str, what: &str, peer_is: &str, ours: f64, peer: f64, limit: f64) -> Self {
        Self::of(subject, what, Some(peer_is), (ours, Some(peer)), Some(limit), "MB")
    }

    /// A figure with a limit of its own.
    pub fn absolute(subject: &str, what: &str, figure: f64, limit: f64, unit: &'static str) -> Self {
        Self::of(subject, what, None, (figure, None), Some(limit), unit)
    }

    /// The same, with a limit of the CPU seconds too.
    #[must_use]
    pub fn and_cpu(self, limit: f64) -> Self {
        let holds = self.ratio_cpu.is_some_and(|ratio| ratio <= limit);
        Self { limit_cpu: Some(limit), passed: Some(holds && self.passed != Some(false)), ..self }
    }

    fn of(
        subject: &str,
        what: &str,
        peer_is: Option<&str>,
        (ours, peer): (f64, Option<f64>),
        limit: Option<f64>,
        unit: &'static str,
    ) -> Self {
        let ratio = peer.map(|peer| ours / peer);
        // A figure that is no number has passed nothing.
        let passed = limit.map(|limit| ratio.unwrap_or(ours) <= limit);
        Self {
            subject: subject.to_owned(),
            what: what.to_owned(),
            peer_is: peer_is.map(str::to_owned),
            unit,
            ours,
            peer,
            ratio,
            ours_cpu: None,
            peer_cpu: None,
            ratio_cpu: None,
            limit,
            limit_cpu: None,
            passed,
            rounds: 1,
        }
    }

    fn cells(&self) -> [String; 8] {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
        let side = |wall: Option<f64>, cpu: Option<f64>| match (wall, cpu) {
            (Some(wall), Some(cpu)) => format!("{wall:.2} {} ({cpu:.2})", self.unit),
            (Some(wall), None) => format!("{wall:.2} {}", self.unit),
            _ => String::new(),
        };
        [
            self.subject.clone(),
            self.what.clone(),
            self.peer_is.clone().unwrap_or_default(),
            side(Some(self.ours), self.ours_cpu),
            side(self.peer, self.peer_cpu),
            self.ratio_cpu.map_or_else(|| number(self.ratio), |cpu| format!("{} ({cpu:.3})", number(self.ratio))),
            match (self.limit, self.limit_cpu) {
                (Some(limit), Some(cpu)) => format!("{limit} ({cpu})"),
                (limit, _) => limit.map_or_else(String::new, |limit| limit.to_string()),
            },
            self.passed.map_or("", |passed| if passed { "pass" } else { "MISS" }).to_owned(),
        ]
    }
}

/// All rows of a run, and what could not be compared.
#[derive(Serialize)]
pub struct Report {
    cores: usize,
    rows: Vec<Row>,
    not_run: Vec<String>,
}

impl Report {
    /// An empty one.
    pub fn new() -> Self {
        Self { cores: cores(), rows: Vec::new(), not_run: Vec::new() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds the rows of a peer, or why there are none.
    pub fn extend(&mut self, rows: Result<Vec<Row>, String>) {
        match rows {
            Ok(rows) => self.rows.extend(rows),
            Err(why) => self.not_run.push(why),
        }
    }

    /// Shows it.
    pub fn print(&self) {
        let head = ["subject", "what", "peer", "sealift (CPU)", "peer (CPU)", "ratio (CPU)", "limit", ""];
        let mut lines = vec![head.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        let text = "medians; wall seconds, in brackets CPU seconds of all processes; limits are of the wall ratio";
        println!("{text}\nbuilds at once on both sides: {}", self.cores);
        for why in &self.not_run {
            println!("not run: {why}");
        }
    }

    /// Writes it as JSON.
    pub fn write(&self, path: &Path) -> Outcome {
        let text = serde_json::to_string_pretty(self).expect("a report is plain data");
        std::fs::write(path, text + "\n").map_err(|error| Failure::tool(format!("error: {}: {error}", path.display())))
    }

    /// A failure that names every limit that was missed.
    pub fn verdict(&self) -> Outcome {
        let missed = self.rows.iter().filter(|row| row.passed == Some(false));
        let names: Vec<String> = missed.map(|row| format!("{}: {}", row.subject, row.what)).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(Failure::refused(format!("error: limits missed:\n  {}", names.join("\n  "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(wall: f64) -> Cost {
        Cost { wall, cpu: wall * 2.0, ..Cost::default() }
    }

    #[test]
    fn a_ratio_is_of_medians_and_is_judged() {
        let row = |limit| Row::ratio("s", "w", "p", &[cost(1.0), cost(9.0), cost(2.0)], &[cost(4.0)], Some(limit));
        assert_eq!((row(0.5).ratio, row(0.5).passed, row(0.4).passed), (Some(0.5), Some(true), Some(false)));
        assert_eq!((row(0.5).and_cpu(0.5).passed, row(0.5).and_cpu(0.4).passed), (Some(true), Some(false)));
        assert_eq!(row(0.4).and_cpu(0.5).passed, Some(false), "the wall limit still holds");
        let mut report = Report::new();
        report.add(row(0.5));
        assert!(report.verdict().is_ok());
        report.add(row(0.4));
        assert!(report.verdict().unwrap_err().message.contains("s: w"));
    }

    #[test]
    fn no_figure_is_no_pass() {
        assert_eq!(Row::ratio("s", "w", "p", &[], &[cost(1.0)], Some(1.0)).passed, Some(false));
        assert_eq!(Row::absolute("s", "w", f64::NAN, 1.0, "ms").passed, Some(false));
    }
}
