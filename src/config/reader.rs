//! Reads tables and values of a TOML document against the table of keys; whatever is wrong is noted with its place, and
//! reading goes on.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Array, Item, TableLike, Value};

use super::error::{Wrong, quoted};
use super::keys::{self, ROOT, Shape};
use super::notes::{Notes, Written};
use crate::error::nearest;

/// How many elements an array or a table of names may have: every service copies them.
const MAX_ELEMENTS: usize = 1000;

const BY_TARGET_HINT: &str = "a pattern stands in quotes, its keys below: [build.target.\"linux/*\"]";

/// A table of the document beside the table of keys that says what may stand in it.
pub(super) struct Section<'a> {
    table: &'a dyn TableLike,
    spec: &'static keys::Table,
    /// For messages: `build.hooks`; empty for the file itself.
    name: String,
    notes: &'a Notes<'a>,
    /// Where the table begins.
    pub span: Range<usize>,
}

/// A table, and where it is if that is known.
type Spanned<'a> = (&'a dyn TableLike, Option<Range<usize>>);

/// Lists by target pattern; without one, for all targets.
pub(super) type Rules<T> = Vec<(Option<Written<String>>, Vec<T>)>;

/// A value with its surroundings.
struct Node<'a> {
    item: Content<'a>,
    key: Range<usize>,
    span: Range<usize>,
    name: String,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Content<'a> {
    Value(&'a Value),
    Item(&'a Item),
}

impl<'a> Section<'a> {
    /// The whole document.
    pub fn root(table: &'a dyn TableLike, notes: &'a Notes<'a>) -> Self {
        Self::open(table, &ROOT, String::new(), 0..0, notes)
    }

    /// Opens a table, and notes the keys in it that do not exist.
    fn open(
        table: &'a dyn TableLike,
        spec: &'static keys::Table,
        name: String,
        span: Range<usize>,
        notes: &'a Notes<'a>,
    ) -> Self {
        let section = Self { table, spec, name, notes, span };
        for (key, _) in table.iter().filter(|(key, _)| spec.key(key).is_none()) {
            let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
            section.notes.add(span, section.unknown(key));
        }
        section
    }

    fn unknown(&self, key: &str) -> Wrong {
        let place = if self.name.is_empty() { "at the top".to_owned() } else { format!("in [{}]", self.name) };
        let wrong = Wrong::new("config.unknown-key", format!("there is no key {} {place}", quoted(key)));
        // A key that another table has is in the wrong place; it is no misspelling of one that this table has.
        let homes = keys::tables().into_iter().filter(|(_, table)| table.key(key).is_some());
        if let Some((home, _)) = homes.min_by_key(|(header, _)| (!header.starts_with(&self.name), header.len())) {
            return wrong.hint(format!("{key:?} is a key of [{home}]"));
        }
        let names = || self.spec.keys.iter().map(|key| key.name);
        // Only short names are compared: the work grows with the square of the length.
        wrong.hint(match Some(key).filter(|key| key.len() <= 60).and_then(|key| nearest(key, names())) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("the keys here are {}", names().collect::<Vec<_>>().join(", ")),
        })
    }

    fn named(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// What is written for a key; nothing for a key that this table does not have (a service's tables have fewer).
    fn node(&self, name: &'static str) -> Option<Node<'a>> {
        let shape = self.spec.key(name)?.shape;
        let (key, item) = self.table.get_key_value(name)?;
        let key = key.span().unwrap_or(0..0);
        let span = item.span().unwrap_or(key.clone());
        Some(Node { item: content(item), key, span, name: self.named(name), shape })
    }

    fn refuse_type(&self, node: &Node, span: Range<usize>, found: &str) {
        let wanted = node.shape.describe();
        let text = format!("{} must be {} {wanted}, and is {}", node.name, article(wanted), a(found));
        let last = node.name.rsplit('.').next().unwrap_or("");
        let example = self.spec.keys.iter().find(|key| key.name == last && !key.example.is_empty());
        let wrong = Wrong::new("config.type", text);
        let hint = match node.shape {
            Shape::Tables(_) => Some(format!("write [[{}]], in double brackets", node.name)),
            Shape::ByTarget(_) if found == "array" && self.spec.key("targets").is_some() => {
                Some(format!("did you mean {:?}, the list of what is built?", "targets"))
            }
            Shape::ByTarget(_) => Some(BY_TARGET_HINT.to_owned()),
            _ => example.map(|key| format!("for example {} = {}", key.name, key.example)),
        };
        self.notes.add(span, Wrong { hint, ..wrong });
    }

    fn too_many(&self, node: &Node, count: usize, most: usize) -> bool {
        if count > most {
            let text = format!("{} has {count} elements, and at most {most} are allowed", node.name);
            self.notes.add(node.span.clone(), Wrong::new("config.value", text));
        }
        count > most
    }

    /// Notes what is wrong with a value of this table.
    pub fn refuse(&self, span: Range<usize>, wrong: Wrong) {
        self.notes.add(span, wrong);
    }

    /// Whether a key is written, rightly or not.
    pub fn holds(&self, name: &'static str) -> bool {
        self.table.contains_key(name)
    }

    /// A table within this one.
    pub fn table(&self, name: &'static str) -> Option<Section<'a>> {
        let node = self.node(name)?;
        let spec = self.spec.key(name).and_then(keys::Key::table)?;
        let Some(table) = node.item.table() else {
            self.refuse_type(&node, node.span.clone(), node.item.type_name());
            return None;
        };
        Some(Section::open(table, spec, node.name, node.key, self.notes))
    }

    /// An array of tables, at most some of them; inline tables count too.
    pub fn tables(&self, name: &'static str, most: usize) -> Vec<Section<'a>> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let Some(spec) = self.spec.key(name).and_then(keys::Key::table) else { return Vec::new() };
        let found: Option<Vec<Spanned<'a>>> = match node.item {
            Content::Item(Item::ArrayOfTables(tables)) => {
                Some(tables.iter().map(|table| (table as &dyn TableLike, table.span())).collect())
            }
            Content::Value(Value::Array(array)) => {
                array.iter().map(|value| Some((value.as_inline_table()? as &dyn TableLike, value.span()))).collect()
            }
            _ => None,
        };
        let Some(found) = found else {
            self.refuse_type(&node, node.span.clone(), node.item.type_name());
            return Vec::new();
        };
        if self.too_many(&node, found.len(), most) {
            return Vec::new();
        }
        let open = |(table, span): (_, Option<_>)| {
            Section::open(table, spec, node.name.clone(), span.unwrap_or(node.key.clone()), self.notes)
        };
        found.into_iter().map(open).collect()
    }

    /// A table whose keys are target patterns: each key with its range of bytes and its table, as written.
    pub fn by_target(&self, name: &'static str) -> Vec<(String, Range<usize>, Section<'a>)> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let Some(spec) = self.spec.key(name).and_then(keys::Key::table) else { return Vec::new() };
        let Some(table) = node.item.table() else {
            self.refuse_type(&node, node.span.clone(), node.item.type_name());
            return Vec::new();
        };
        let mut found = Vec::new();
        if self.too_many(&node, table.len(), MAX_ELEMENTS) {
            return found;
        }
        for (pattern, item) in table.iter() {
            let key = table.key(pattern).and_then(toml_edit::Key::span).unwrap_or(node.key.clone());
            let name = format!("{}.{pattern:?}", node.name);
            match content(item).table() {
                Some(inner) => {
                    let section = Section::open(inner, spec, name, key.clone(), self.notes);
                    found.push((pattern.to_owned(), key, section));
                }
                None => {
                    let span = item.span().unwrap_or(key);
                    let text = format!("{name} must be a table, and is {}", a(item.type_name()));
                    self.notes.add(span, Wrong::new("config.type", text).hint(BY_TARGET_HINT));
                }
            }
        }
        found
    }

    /// A value read by a rule of its own; `read` answers `None` for another type.
    pub fn value<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Option<Result<T, Wrong>>,
    ) -> Option<Written<T>> {
        let node = self.node(name)?;
        let result = match node.item {
            Content::Value(value) => read(value),
            Content::Item(_) => None,
        };
        match result {
            Some(Ok(value)) => Some(Written { value, key: node.key, span: node.span }),
            Some(Err(wrong)) => {
                self.notes.add_within(&node.span, wrong);
                None
            }
            None => {
                self.refuse_type(&node, node.span.clone(), node.item.type_name());
                None
            }
        }
    }

    /// A string that a rule reads.
    pub fn text<T>(&self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<Written<T>> {
        self.value(name, |value| value.as_str().map(read))
    }

    /// `true` or `false`.
    pub fn bool(&self, name: &'static str) -> Option<Written<bool>> {
        self.value(name, |value| value.as_bool().map(Ok))
    }

    /// An array of strings, each read by a rule that also sees those before it.
    pub fn list<T>(
        &self,
        name: &'static str,
        mut read: impl FnMut(&str) -> Result<T, Wrong>,
    ) -> Option<Written<Vec<T>>> {
        let node = self.node(name)?;
        let value = self.elements(&node, node.item.array(), &mut read)?;
        Some(Written { value, key: node.key, span: node.span })
    }

    /// An array of non-empty arrays of strings.
    pub fn lists(
        &self,
        name: &'static str,
        mut read: impl FnMut(usize, &str) -> Result<String, Wrong>,
    ) -> Option<Written<Vec<Vec<String>>>> {
        let node = self.node(name)?;
        let Some(outer) = node.item.array() else {
            self.refuse_type(&node, node.span.clone(), node.item.type_name());
            return None;
        };
        if self.too_many(&node, outer.len(), MAX_ELEMENTS) {
            return None;
        }
        let mut all = Vec::new();
        for inner in outer {
            let mut index = 0;
            let words = self.elements(&node_of(&node, inner), inner.as_array(), &mut |text: &str| {
                index += 1;
                read(index - 1, text)
            });
            if words.as_ref().is_some_and(Vec::is_empty) {
                let wrong = Wrong::new("config.value", format!("a command of {} is empty", node.name));
                self.notes.add(inner.span().unwrap_or(node.span.clone()), wrong);
            }
            all.extend(words);
        }
        (all.len() == outer.len()).then_some(Written { value: all, key: node.key, span: node.span })
    }

    fn elements<T>(
        &self,
        node: &Node,
        array: Option<&Array>,
        read: &mut impl FnMut(&str) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let Some(array) = array else {
            self.refuse_type(node, node.span.clone(), node.item.type_name());
            return None;
        };
        if self.too_many(node, array.len(), MAX_ELEMENTS) {
            return None;
        }
        let mut all = Vec::new();
        for value in array {
            let span = value.span().unwrap_or(node.span.clone());
            match value.as_str().map(&mut *read) {
                Some(Ok(one)) => all.push(one),
                Some(Err(wrong)) => self.notes.add_within(&span, wrong),
                None => self.refuse_type(node, span, value.type_name()),
            }
        }
        // One that is refused is noted; what is there of the others is no value.
        (all.len() == array.len()).then_some(all)
    }

    /// A table of strings, in the order of its names; `read` sees name and value.
    pub fn strings(
        &self,
        name: &'static str,
        read: impl Fn(&str, &str) -> Result<(), Wrong>,
    ) -> BTreeMap<String, Written<String>> {
        let mut all = BTreeMap::new();
        let Some(node) = self.node(name) else { return all };
        let Some(table) = node.item.table() else {
            self.refuse_type(&node, node.span.clone(), node.item.type_name());
            return all;
        };
        if self.too_many(&node, table.len(), MAX_ELEMENTS) {
            return all;
        }
        for (name, item) in table.iter() {
            let key = table.key(name).and_then(toml_edit::Key::span).unwrap_or(node.key.clone());
            let span = item.span().unwrap_or(key.clone());
            match item.as_str().map(|text| read(name, text).map(|()| text.to_owned())) {
                Some(Ok(value)) => {
                    all.insert(name.to_owned(), Written { value, key, span });
                }
                Some(Err(wrong)) => self.notes.add(key, wrong),
                None => self.refuse_type(&node, span, item.type_name()),
            }
        }
        all
    }

    /// An array of strings, or a table from patterns to such arrays: `None` stands for all targets.
    pub fn list_or_by_target<T>(
        &self,
        name: &'static str,
        mut read: impl FnMut(&str) -> Result<T, Wrong>,
    ) -> Option<Written<Rules<T>>> {
        let node = self.node(name)?;
        let (key, span) = (node.key.clone(), node.span.clone());
        let Some(table) = node.item.table() else {
            let all = self.elements(&node, node.item.array(), &mut read)?;
            return Some(Written { value: vec![(None, all)], key, span });
        };
        let mut rules = Rules::new();
        for (pattern, item) in table.iter() {
            let at = table.key(pattern).and_then(toml_edit::Key::span).unwrap_or(key.clone());
            let inner = Node {
                item: content(item),
                key: at.clone(),
                span: item.span().unwrap_or(at.clone()),
                name: format!("{}.{pattern:?}", node.name),
                shape: Shape::List(keys::Text::Line),
            };
            let list = self.elements(&inner, inner.item.array(), &mut read);
            let pattern = Written { value: pattern.to_owned(), key: at.clone(), span: at };
            rules.extend(list.map(|list| (Some(pattern), list)));
        }
        (rules.len() == table.len()).then_some(Written { value: rules, key, span })
    }
}

fn content(item: &Item) -> Content<'_> {
    match item {
        Item::Value(value) => Content::Value(value),
        _ => Content::Item(item),
    }
}

fn node_of<'a>(outer: &Node, value: &'a Value) -> Node<'a> {
    let span = value.span().unwrap_or(outer.span.clone());
    Node { item: Content::Value(value), key: outer.key.clone(), span, name: outer.name.clone(), shape: outer.shape }
}

impl<'a> Content<'a> {
    fn table(self) -> Option<&'a dyn TableLike> {
        match self {
            Content::Value(value) => value.as_inline_table().map(|table| table as &dyn TableLike),
            Content::Item(item) => item.as_table_like(),
        }
    }

    fn array(self) -> Option<&'a Array> {
        match self {
            Content::Value(value) => value.as_array(),
            Content::Item(_) => None,
        }
    }

    fn type_name(self) -> &'static str {
        match self {
            Content::Value(value) => value.type_name(),
            Content::Item(item) => item.type_name(),
        }
    }
}

/// A TOML type with its article.
fn a(name: &str) -> String {
    format!("{} {name}", article(name))
}

fn article(name: &str) -> &'static str {
    match name {
        "true or false" => "either",
        _ if name.starts_with(['a', 'e', 'i', 'o', 'u']) => "an",
        _ => "a",
    }
}
