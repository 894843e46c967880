//! The bytes of a `multipart/form-data` body (RFC 7578).

use sha2::{Digest as _, Sha256};

use crate::model::FileBody;
use crate::model::text::hexadecimal;

/// The media type of a file without a configured one.
pub(crate) const OCTETS: &str = "application/octet-stream";

/// A body under construction.
pub(crate) struct Form {
    parts: Vec<(String, Vec<u8>)>,
}

impl Form {
    pub(crate) fn new() -> Form {
        Form { parts: Vec::new() }
    }

    /// Adds a text field.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let head = format!("content-disposition: form-data; name=\"{}\"\r\n", quoted(name));
        self.parts.push((head, text.as_bytes().to_vec()));
    }

    /// Adds a file, named by the last part of its path.
    pub(crate) fn file(&mut self, name: &str, file: &FileBody) {
        let file_name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let (name, file_name) = (quoted(name), quoted(&file_name));
        let kind = file.content_type.as_deref().unwrap_or(OCTETS);
        let head = format!(
            "content-disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\ncontent-type: {kind}\r\n"
        );
        self.parts.push((head, file.bytes.to_vec()));
    }

    /// The value of the content-type header, and the body.
    pub(crate) fn finish(self) -> (String, Vec<u8>) {
        let boundary = self.boundary();
        let mut body = Vec::new();
        for (head, content) in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// A line that occurs in none of the parts: a hash of all of them.
    fn boundary(&self) -> String {
        let mut hash = Sha256::new();
        for (head, content) in &self.parts {
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(head);
            hash.update(content);
        }
        format!("uptick-{}", &hexadecimal(&hash.finalize())[..32])
    }
}

/// A name in quotes, escaped as in browsers.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_parts_between_boundaries() {
        let mut form = Form::new();
        form.text("a\"b", "c");
        let bytes = std::sync::Arc::from(b"\x00\xff".as_slice());
        form.file("f", &FileBody { path: "dir/x.png".into(), bytes, content_type: Some("image/png".to_owned()) });
        let (kind, body) = form.finish();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let mut expected = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"a%22b\"\r\n\r\nc\r\n--{boundary}\r\n\
             content-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\ncontent-type: image/png\r\n\r\n"
        )
        .into_bytes();
        expected.extend_from_slice(b"\x00\xff\r\n");
        expected.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        assert_eq!(body, expected);
    }
}
