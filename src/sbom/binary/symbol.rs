//! The parts of a function's name.

use std::borrow::Cow;

/// A function's name in the terms of the Go vulnerability database, divided as `govulncheck -mode binary` does it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol<'a> {
    /// The import path, for example `net/http`; `main` for the main package, whatever its path.
    pub package: Cow<'a, str>,
    /// The function, with its receiver but without that one's `*` and parentheses, for example `Client.Do`.
    pub name: Cow<'a, str>,
}

impl<'a> Symbol<'a> {
    /// Divides a linker's name. `None` for what belongs to no package: what the compiler makes for itself (`type:`,
    /// `go:`), and names of assembly without a dot.
    pub fn of(text: &'a str) -> Option<Self> {
        if text.starts_with("go:") || text.starts_with("type:") {
            return None;
        }
        // Type arguments may hold slashes and dots of their own: `slices.Sort[go.shape.[]example.com/a.B]`.
        let arguments = text.find('[').zip(text.rfind(']')).filter(|(open, close)| open < close);
        let (head, tail) = arguments.map_or((text, ""), |(open, close)| (&text[..open], &text[close + 1..]));
        let path_end = head.rfind('/').unwrap_or(0);
        let dot = path_end + head[path_end..].find('.')?;
        let package = unescape(&text[..dot])?;
        let function = &text[dot + 1..];
        // The last dot outside of the arguments divides receiver and function.
        let last = match tail.rfind('.') {
            Some(at) => Some(text.len() - tail.len() + at),
            None => head[dot + 1..].rfind('.').map(|at| dot + 1 + at),
        };
        let Some(last) = last else { return Some(Self { package, name: function.into() }) };
        let (receiver, method) = (&text[dot + 1..last], &text[last + 1..]);
        if !receiver.starts_with("(*") {
            return Some(Self { package, name: function.into() });
        }
        let receiver = receiver.trim_matches(['(', '*', ')']);
        Some(Self { package, name: format!("{receiver}.{method}").into() })
    }
}

/// The linker writes `%2e` for a dot in the last element of an import path, and the like for other bytes.
fn unescape(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(path.into());
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_divided_as_govulncheck_does() {
        let cases = [
            ("net/http.(*Client).Do", "net/http", "Client.Do"),
            ("net/http.Header.Set", "net/http", "Header.Set"),
            ("main.main", "main", "main"),
            ("main.main.func1", "main", "main.func1"),
            ("github.com/a/b%2ev2.F", "github.com/a/b.v2", "F"),
            ("go.uber.org/zap.(*Logger).Info", "go.uber.org/zap", "Logger.Info"),
            ("slices.Sort[go.shape.[]example.com/a.B]", "slices", "Sort[go.shape.[]example.com/a.B]"),
            ("example.com/l.(*List[...]).Push", "example.com/l", "List[...].Push"),
            ("example.com/l.List[...].Push", "example.com/l", "List[...].Push"),
            ("example.com/l.Map[...].func1", "example.com/l", "Map[...].func1"),
        ];
        for (text, package, name) in cases {
            let symbol = Symbol::of(text).unwrap();
            assert_eq!((&*symbol.package, &*symbol.name), (package, name), "{text}");
        }
        for text in
            ["", "gosave_systemstack_switch", "type:.eq.net/http.Client", "go:buildid", "a/b", "]a[", "%2.f", "%zz.f"]
        {
            assert_eq!(Symbol::of(text), None, "{text}");
        }
    }
}
