//! XML as it leaves the hub: UTF-8, every text escaped, characters that XML 1.0 does not have left out. Nothing here reads
//! any.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A document that is being written. Elements close where they were opened, whatever is in them.
pub(crate) struct Document(Writer<Vec<u8>>);

impl Document {
    /// A document whose root is filled by `fill`.
    pub(crate) fn write(root: &str, attributes: &[(&str, &str)], fill: impl FnOnce(&mut Self)) -> String {
        let mut document = Self(Writer::new(Vec::new()));
        document.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        document.inside_with(root, attributes, fill);
        String::from_utf8(document.0.into_inner()).expect("texts are UTF-8")
    }

    /// An element with elements in it.
    pub(crate) fn inside(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.inside_with(name, &[], fill);
    }

    pub(crate) fn inside_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        fill: impl FnOnce(&mut Self),
    ) {
        self.event(Event::Start(start(name, attributes)));
        fill(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with a text in it; one without a text is an empty element.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.leaf_with(name, &[], text);
    }

    pub(crate) fn leaf_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        let text = clean(text);
        if text.is_empty() {
            return self.event(Event::Empty(start(name, attributes)));
        }
        self.event(Event::Start(start(name, attributes)));
        self.event(Event::Text(BytesText::new(&text)));
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// The same, left out where there is no text.
    pub(crate) fn leaf_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    fn event(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("memory takes what is written");
    }
}

fn start(name: &str, attributes: &[(&str, &str)]) -> BytesStart<'static> {
    let cleaned: Vec<(&str, String)> = attributes.iter().map(|(key, value)| (*key, clean(value))).collect();
    BytesStart::new(name.to_owned())
        .with_attributes(cleaned.iter().map(|(key, value)| (*key, value.as_str())))
}

/// Without what no XML document may have, escaped or not.
fn clean(text: &str) -> String {
    text.chars().filter(|c| is_xml(*c)).collect()
}

/// `Char` of XML 1.0.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;

    use super::*;

    /// Mark-up in texts and attributes stays text; what XML does not have is gone; the document reads back.
    #[test]
    fn texts_stay_texts() {
        let hostile = "</a><b x='1'>&amp;\u{0}\u{8}\u{1f}\u{fffe}]]>\"火\n";
        let text = Document::write("root", &[("to", "\"><evil/>&\u{1}")], |all| {
            all.leaf("a", hostile);
            all.leaf("none", "\u{1}");
            all.leaf_if("left-out", None);
            all.inside("in", |all| all.leaf("c", "1"));
        });
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><root "), "{text}");
        assert!(!text.contains("<b ") && !text.contains("<evil") && text.contains("<none/>"), "{text}");
        assert!(text.contains("&lt;/a&gt;&lt;b x=&apos;1&apos;&gt;&amp;amp;]]&gt;&quot;火\n"), "{text}");
        assert!(!text.contains("left-out") && text.ends_with("<in><c>1</c></in></root>"), "{text}");
        assert!(text.chars().all(is_xml));
        let mut reader = Reader::from_str(&text);
        reader.config_mut().enable_all_checks(true);
        let mut elements = 0;
        loop {
            match reader.read_event().expect("it is well-formed") {
                Event::Start(_) | Event::Empty(_) => elements += 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(elements, 5);
    }
}
