//! The response of an endpoint.

/// A status, headers and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, except those that frame the body.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: &'static str,
}

impl Response {
    /// An HTML response.
    #[must_use]
    pub fn html(status: u16, body: &'static str) -> Response {
        Response { status, headers: vec![("content-type", "text/html; charset=utf-8")], body }
    }

    /// A JSON document.
    #[must_use]
    pub fn json(status: u16, body: &'static str) -> Response {
        Response { status, headers: vec![("content-type", "application/json")], body }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Response {
        self.headers.push((name, value));
        self
    }

    /// The response as HTTP/1.1, after which the connection is closed.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        let length = self.body.len().to_string();
        head.push_str("content-length: ");
        head.push_str(&length);
        head.push_str("\r\nconnection: close\r\n\r\n");
        [head.as_bytes(), self.body.as_bytes()].concat()
    }
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_complete_answer() {
        let bytes = Response::html(522, "no").header("server", "demo").bytes();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "HTTP/1.1 522 Error\r\ncontent-type: text/html; charset=utf-8\r\nserver: demo\r\n\
             content-length: 2\r\nconnection: close\r\n\r\nno"
        );
    }
}
