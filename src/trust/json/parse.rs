//! The reader.

use super::{JsonError, Limits, MAX_DEPTH, MAX_INTEGER, Numbers, Object, Value, canonical, is_noncharacter};

/// Reads one document, whole. Refuses what [`JsonError`] lists; insignificant white space is allowed.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    if bytes.len() > limits.bytes {
        return Err(JsonError::TooLong { found: bytes.len(), limit: limits.bytes });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(JsonError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8 { at: error.valid_up_to() })?;
    let mut reader = Reader { text, at: 0, limits, values: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(JsonError::Trailing { at: reader.at });
    }
    Ok(value)
}

/// Reads one document that must stand in canonical form, so that no two documents have one meaning.
pub fn parse_canonical(bytes: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    // RFC 8785 writes other numbers as ECMAScript does; only integers have one form here.
    let value = parse(bytes, &Limits { numbers: Numbers::IntegersOnly, ..*limits })?;
    same_bytes(&canonical(&value), bytes)?;
    Ok(value)
}

/// Compares a document with its canonical form.
fn same_bytes(want: &[u8], found: &[u8]) -> Result<(), JsonError> {
    if want == found {
        return Ok(());
    }
    let at = want.iter().zip(found).take_while(|(a, b)| a == b).count();
    Err(JsonError::NotCanonical { at })
}

struct Reader<'a> {
    text: &'a str,
    /// Always a character boundary.
    at: usize,
    limits: &'a Limits,
    values: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, want: &'static str) -> JsonError {
        match self.peek() {
            None => JsonError::Truncated { at: self.at },
            Some(_) => JsonError::Unexpected { at: self.at, want },
        }
    }

    fn take(&mut self, byte: u8, want: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(want));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(JsonError::TooManyValues { at: self.at, limit: self.limits.values });
        }
        match self.peek() {
            Some(b'{') => self.object(self.deeper(depth)?),
            Some(b'[') => self.array(self.deeper(depth)?),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth == MAX_DEPTH { Err(JsonError::TooDeep { at: self.at }) } else { Ok(depth + 1) }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, JsonError> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else if word.as_bytes().starts_with(rest) {
            Err(JsonError::Truncated { at: self.text.len() })
        } else {
            Err(JsonError::Unexpected { at: self.at, want: word })
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth)?);
            self.space();
            if self.peek() == Some(b',') {
                self.at += 1;
                continue;
            }
            self.take(b']', "`,` or `]`")?;
            return Ok(Value::Array(items));
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut members = Object::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a name in quotes"));
            }
            let name = self.string()?;
            // Compared after unescaping: `"a"` and `"\u0061"` are one name.
            if members.contains_key(&name) {
                return Err(JsonError::DuplicateName { at, name: name.chars().take(80).collect() });
            }
            self.space();
            self.take(b':', "`:`")?;
            self.space();
            let value = self.value(depth)?;
            members.insert(name, value);
            self.space();
            if self.peek() == Some(b',') {
                self.at += 1;
                continue;
            }
            self.take(b'}', "`,` or `}`")?;
            return Ok(Value::Object(members));
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20).unwrap_or(rest.len());
            let run = &rest[..plain];
            // A payload in base64 is one run of a hundred megabytes, and all ASCII.
            if !run.is_ascii()
                && let Some((offset, _)) = run.char_indices().find(|(_, c)| is_noncharacter(*c))
            {
                return Err(JsonError::BadString { at: self.at + offset, what: "a noncharacter" });
            }
            out.push_str(run);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(JsonError::BadString { at: self.at, what: "an unescaped control character" }),
                None => return Err(JsonError::Truncated { at: self.at }),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let at = self.at;
        self.at += 1;
        let letter = self.peek().ok_or(JsonError::Truncated { at: self.at })?;
        let plain = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(at),
            _ => return Err(JsonError::BadString { at, what: "an unknown escape" }),
        };
        self.at += 1;
        Ok(plain)
    }

    /// Reads the `uXXXX` of one escape, or of the two escapes of a surrogate pair.
    fn unicode_escape(&mut self, at: usize) -> Result<char, JsonError> {
        let lone = JsonError::BadString { at, what: "a lone surrogate" };
        let code = match self.hex()? {
            high @ 0xD800..=0xDBFF => {
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(lone);
                }
                self.at += 1;
                match self.hex()? {
                    low @ 0xDC00..=0xDFFF => 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00),
                    _ => return Err(lone),
                }
            }
            other => other,
        };
        let c = char::from_u32(code).ok_or(lone)?;
        if is_noncharacter(c) {
            return Err(JsonError::BadString { at, what: "a noncharacter" });
        }
        Ok(c)
    }

    /// Reads `u` and four hexadecimal digits.
    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        let digits = digits.ok_or(JsonError::Truncated { at: self.text.len() })?;
        let mut code = 0;
        for (offset, digit) in digits.iter().enumerate() {
            let bad = JsonError::BadString { at: self.at + 1 + offset, what: "an escape without four hex digits" };
            code = code << 4 | char::from(*digit).to_digit(16).ok_or(bad)?;
        }
        self.at += 5;
        Ok(code)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        match self.digits() {
            0 => return Err(self.unexpected("a digit")),
            1 => {}
            _ if leading_zero => return Err(JsonError::BadNumber { at: start, what: "a number with a leading zero" }),
            _ => {}
        }
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unexpected("a digit after the point"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected("a digit in the exponent"));
            }
        }
        self.numeric(start, whole)
    }

    /// Decides what a well-formed number becomes; `whole` is where its integer part ends.
    fn numeric(&self, start: usize, whole: usize) -> Result<Value, JsonError> {
        let text = &self.text[start..self.at];
        let what = if whole < self.at {
            "a number with a fraction or an exponent"
        } else if text == "-0" {
            "minus zero"
        } else {
            match text.parse::<i64>() {
                Ok(integer) if (-MAX_INTEGER..=MAX_INTEGER).contains(&integer) => return Ok(Value::Integer(integer)),
                _ => "an integer beyond 2^53 - 1",
            }
        };
        match self.limits.numbers {
            Numbers::IntegersOnly => Err(JsonError::BadNumber { at: start, what }),
            Numbers::Any => Ok(Value::Number(text.to_owned())),
        }
    }
}
