//! Building the tree out of the parser's events.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{Content, Entry, Node};
use crate::config::finding::Wrong;

/// Deeper than any configuration, shallower than the stack.
const MAX_DEPTH: usize = 64;

/// Aliases of aliases double the tree with every line: a limit of nodes keeps it small.
const MAX_NODES: usize = 200_000;

/// Reads the one document of `text`; an empty text is nothing.
pub fn load(text: &str) -> Result<Node, Wrong> {
    Loader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 }.document()
}

struct Loader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Loader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Wrong> {
        match self.parser.next() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(unreadable(&error)),
            None => Err(Wrong { line: None, message: "the document ends too early".to_owned() }),
        }
    }

    fn document(mut self) -> Result<Node, Wrong> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, span) => {
                    return Ok(root.unwrap_or_else(|| scalar(line(&span), "", false)));
                }
                (Event::StreamStart | Event::DocumentEnd, _) => {}
                (Event::DocumentStart(..), span) if root.is_some() => {
                    return Err(Wrong::at(line(&span), "a second document begins: expected one"));
                }
                (Event::DocumentStart(..), _) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, &span, 0)?);
                }
                (_, span) => return Err(Wrong::at(line(&span), "this cannot stand outside of a document")),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Wrong> {
        let line = line(span);
        self.count(line, 1)?;
        if depth > MAX_DEPTH {
            return Err(Wrong::at(line, format!("this is nested deeper than {MAX_DEPTH} levels")));
        }
        let (node, anchor) = match event {
            Event::Alias(id) => (self.alias(id, line)?, 0),
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(line, &text, is_text(style, tag.as_deref(), line)?), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_unknown(tag.as_deref(), line)?;
                (Node { line, content: Content::List(self.items(depth)?) }, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_unknown(tag.as_deref(), line)?;
                (Node { line, content: Content::Map(self.mapping(depth)?) }, anchor)
            }
            _ => return Err(Wrong::at(line, "a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, line: usize, nodes: usize) -> Result<(), Wrong> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(Wrong::at(
                line,
                format!("the file has more than {MAX_NODES} values, aliases counted"),
            ));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, line: usize) -> Result<Node, Wrong> {
        let node = self.anchors.get(&id).cloned();
        let node = node.ok_or_else(|| Wrong::at(line, "an alias refers to what contains it"))?;
        self.count(line, size(&node))?;
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<Entry>, Wrong> {
        let (mut entries, mut merged): (Vec<Entry>, Vec<Node>) = Default::default();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, _) => break,
                found => found,
            };
            let key = self.node(event, &span, depth + 1)?;
            let (event, span) = self.next()?;
            let node = self.node(event, &span, depth + 1)?;
            match key.content {
                Content::Scalar { text, quoted: false } if text == "<<" => merged.push(node),
                Content::Scalar { text, .. } => {
                    insert(&mut entries, Entry { line: key.line, key: text, node })?;
                }
                _ => return Err(Wrong::at(key.line, "a key has to be a text")),
            }
        }
        merged.into_iter().try_for_each(|node| merge(&mut entries, node))?;
        Ok(entries)
    }
}

fn insert(entries: &mut Vec<Entry>, entry: Entry) -> Result<(), Wrong> {
    if let Some(first) = entries.iter().find(|other| other.key == entry.key) {
        let message = format!("`{}` stands here again: it is set in line {} already", entry.key, first.line);
        return Err(Wrong::at(entry.line, message));
    }
    entries.push(entry);
    Ok(())
}

/// Adds what `<<` refers to; what a mapping says itself wins, and then the first.
/// Source: <https://yaml.org/type/merge.html>
fn merge(entries: &mut Vec<Entry>, node: Node) -> Result<(), Wrong> {
    match node.content {
        Content::Map(others) => {
            for other in others {
                if entries.iter().all(|entry| entry.key != other.key) {
                    entries.push(other);
                }
            }
            Ok(())
        }
        Content::List(nodes) => nodes.into_iter().try_for_each(|node| merge(entries, node)),
        _ => Err(Wrong::at(node.line, "`<<` has to be a mapping, or a list of mappings")),
    }
}

fn scalar(line: usize, text: &str, quoted: bool) -> Node {
    Node { line, content: Content::Scalar { text: text.to_owned(), quoted } }
}

/// Whether a scalar is a text whatever it looks like.
fn is_text(style: ScalarStyle, tag: Option<&Tag>, line: usize) -> Result<bool, Wrong> {
    refuse_unknown(tag, line)?;
    Ok(style != ScalarStyle::Plain || tag.and_then(Tag::core_suffix) == Some("str"))
}

/// `PyYAML`'s safe loader knows the core tags only.
fn refuse_unknown(tag: Option<&Tag>, line: usize) -> Result<(), Wrong> {
    match tag {
        Some(tag) if tag.core_suffix().is_none() && tag.to_string() != "!" => {
            Err(Wrong::at(line, format!("the tag {tag} is not supported")))
        }
        _ => Ok(()),
    }
}

fn size(node: &Node) -> usize {
    match &node.content {
        Content::Scalar { .. } | Content::Unset(_) => 1,
        Content::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Content::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
    }
}

fn line(span: &Span) -> usize {
    span.start.line()
}

fn unreadable(error: &ScanError) -> Wrong {
    Wrong::at(error.marker().line(), format!("this is no YAML: {}", error.info()))
}
