//! Bodies that are slow, endless, truncated, badly encoded, or not as expected.

use std::time::Duration;

use http::HeaderName;
use uptick::model::FailureClass::{
    AssertionFailed, AssetFailed, BodyDecode, BodyTimeout, BodyTooLarge, BodyTruncated, CaptureFailed, ConnectionReset,
    HttpProtocol,
};
use uptick::model::Phase::Transfer;
use uptick::model::{
    Assets, Capture, CaptureFrom, HeaderExpectation, HeaderRule, JsonExpectation, JsonPath, JsonRule, Pattern,
    Selector, TextRule, Value,
};

use crate::faults::row::{Case, Row, answers, fails, up};
use crate::support::server::{ScriptedConnection, Server};
use crate::support::{bombs, server};

pub(crate) const ROWS: &[Row] = &[
    fails(78, "the body comes byte by byte", BodyTimeout, Transfer, || {
        serve(|conn| {
            conn.send(LENGTH_100);
            conn.send_forever("x", Duration::from_millis(50));
        })
        .within(400)
        .also(|outcome| assert!(outcome.body_bytes > 0, "the bytes that came are counted"))
    }),
    fails(79, "the body stops after three bytes", BodyTimeout, Transfer, || {
        serve(|conn| {
            conn.send(LENGTH_100);
            conn.send("abc");
            conn.stall();
        })
        .within(400)
        .also(|outcome| assert_eq!(outcome.body_bytes, 3))
    }),
    up(80, "the body never ends: reading stops at the limit, and the record says so", || {
        endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef".repeat(1024)).also(|outcome| {
            assert!(outcome.body_cut);
            assert_eq!(outcome.body_bytes, 1 << 20);
        })
    }),
    up(80, "the chunks never end: reading stops at the limit, and the record says so", || {
        endless(CHUNKED, format!("4000\r\n{}\r\n", "x".repeat(0x4000))).also(|outcome| assert!(outcome.body_cut))
    }),
    fails(80, "the body never ends and an expectation needs all of it", BodyTooLarge, Transfer, || {
        endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef".repeat(1024))
            .step(|step| step.expect.body = vec![TextRule::Lacks(Value::plain("maintenance"))])
    }),
    up(81, "1 MB of gzip decodes to a gigabyte: the limit counts after decoding", || {
        encoded("gzip", bombs::gzip(1024)).also(|outcome| {
            assert!(outcome.body_cut);
            assert_eq!(outcome.body_bytes, 1 << 20);
        })
    }),
    fails(81, "1 MB of gzip decodes to a gigabyte and an expectation needs all of it", BodyTooLarge, Transfer, || {
        encoded("gzip", bombs::gzip(1024)).step(|step| step.expect.max_bytes = Some(5 << 20))
    }),
    up(82, "a little brotli decodes to a gigabyte: the limit counts after decoding", || {
        encoded("br", bombs::brotli(1024)).also(|outcome| assert!(outcome.body_cut))
    }),
    up(82, "a little zstd decodes to a gigabyte: the limit counts after decoding", || {
        encoded("zstd", bombs::zstd(1024)).also(|outcome| assert!(outcome.body_cut))
    }),
    up(83, "the body is compressed twice (`gzip, gzip`) and an expectation reads it", || {
        reads_hello(encoded("gzip, gzip", bombs::gzipped(&bombs::gzipped(b"hello"))))
    }),
    fails(83, "the body is compressed six times over and an expectation reads it", BodyDecode, Transfer, || {
        reads_hello(encoded("gzip, br, gzip, br, gzip, br", bombs::gzipped(b"hello")))
    }),
    up(83, "the body is compressed six times over and nothing reads it", || {
        encoded("gzip, br, gzip, br, gzip, br", bombs::gzipped(b"hello"))
    }),
    up(83, "codings stand in several header lines", || {
        let body = bombs::zstded(&bombs::brotlied(b"hello"));
        let headers = [("content-encoding", "br"), ("content-encoding", "zstd")];
        reads_hello(raw(server::answer(200, &headers, body)))
    }),
    up(84, "the body has a coding nobody knows: the bytes are read as they are", || {
        reads_hello(encoded("xyz", b"hello".to_vec()))
    }),
    up(84, "the coding is `UTF-8`: the bytes are read as they are", || {
        reads_hello(encoded("UTF-8", b"hello".to_vec()))
    }),
    up(84, "the coding is `none`: the bytes are read as they are", || reads_hello(encoded("none", b"hello".to_vec()))),
    up(84, "the coding is empty", || reads_hello(encoded("", b"hello".to_vec()))),
    fails(
        84,
        "the coding is `compress`, which nothing decodes any more, and a rule reads it",
        BodyDecode,
        Transfer,
        || reads_hello(encoded("compress", b"\x1f\x9d\x90hello".to_vec())),
    ),
    up(84, "the coding is `compress` and nothing reads the body", || {
        encoded("compress", b"\x1f\x9d\x90hello".to_vec())
    }),
    up(84, "the coding is `deflate` without the zlib wrapper", || {
        reads_hello(encoded("deflate", bombs::deflated(b"hello")))
    }),
    up(84, "the coding is `x-gzip`", || reads_hello(encoded("x-gzip", bombs::gzipped(b"hello")))),
    up(84, "the coding is `GZIP`", || reads_hello(encoded("GZIP", bombs::gzipped(b"hello")))),
    up(84, "the gzip body has two members in one packet", || {
        reads_hello(encoded("gzip", [bombs::gzipped(b"hel"), bombs::gzipped(b"lo")].concat()))
    }),
    up(84, "the gzip body has two members in two packets", || {
        let (one, two) = (bombs::gzipped(b"hel"), bombs::gzipped(b"lo"));
        let length = one.len() + two.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
        reads_hello(serve(move |conn| {
            conn.send(&head);
            conn.send(&one);
            conn.wait(Duration::from_millis(30));
            conn.send(&two);
        }))
    }),
    up(84, "bytes follow the end of the gzip data", || {
        reads_hello(encoded("gzip", [bombs::gzipped(b"hello"), b"<!-- 3 ms -->".to_vec()].concat()))
    }),
    up(84, "the gzip data end without their checksum", || {
        let whole = bombs::gzipped(b"hello");
        reads_hello(encoded("gzip", whole[..whole.len() - 8].to_vec()))
    }),
    up(84, "a compressed body is empty", || encoded("gzip", Vec::new())),
    up(84, "a rule looks at the headers of a compressed answer: they are as sent", || {
        let body = bombs::gzipped(b"hello");
        let length = body.len().to_string();
        encoded("gzip", body).step(move |step| {
            step.expect.headers = [("content-encoding", "gzip".to_owned()), ("content-length", length)]
                .map(|(name, value)| HeaderRule {
                    name: HeaderName::from_static(name),
                    rule: HeaderExpectation::Contains(Value::plain(&value)),
                    optional: false,
                })
                .to_vec();
        })
    }),
    fails(85, "the gzip body is no gzip", BodyDecode, Transfer, || encoded("gzip", b"plain text".to_vec())),
    fails(85, "the brotli body is no brotli", BodyDecode, Transfer, || encoded("br", vec![0xff; 64])),
    fails(85, "the zstd body is no zstd", BodyDecode, Transfer, || encoded("zstd", b"plain text".to_vec())),
    fails(85, "the gzip body breaks off in the middle", BodyDecode, Transfer, || {
        let text: String = (0..5_000).map(|n| n.to_string()).collect();
        let whole = bombs::gzipped(text.as_bytes());
        encoded("gzip", whole[..whole.len() / 2].to_vec())
    }),
    fails(85, "the gzip body has the wrong checksum", BodyDecode, Transfer, || {
        let mut body = bombs::gzipped(b"hello hello hello");
        let at = body.len() - 6;
        body[at] ^= 0xff;
        encoded("gzip", body)
    }),
    fails(86, "the connection ends after three bytes of a hundred", BodyTruncated, Transfer, || {
        raw([LENGTH_100.as_bytes(), b"abc"].concat()).also(|outcome| assert_eq!(outcome.body_bytes, 3))
    }),
    fails(87, "the connection is reset in the body", ConnectionReset, Transfer, || {
        serve(|conn| {
            conn.send(LENGTH_100);
            conn.send("abc");
            // The reset must not overtake the bytes, which would then be lost.
            conn.wait(Duration::from_millis(50));
            conn.reset();
        })
    }),
    fails(88, "a chunk's size is no number", HttpProtocol, Transfer, || chunks("xyz\r\nabc\r\n0\r\n\r\n")),
    fails(88, "a chunk's size overflows", HttpProtocol, Transfer, || chunks("fffffffffffffffff\r\nabc\r\n0\r\n\r\n")),
    up(88, "a chunk's size begins with sixty zeros", || chunks(&format!("{}3\r\nabc\r\n0\r\n\r\n", "0".repeat(60)))),
    fails(88, "a chunk's size begins with seventy zeros", HttpProtocol, Transfer, || {
        chunks(&format!("{}3\r\nabc\r\n0\r\n\r\n", "0".repeat(70)))
    }),
    fails(88, "a chunk's size is zeros without end", HttpProtocol, Transfer, || {
        serve(|conn| {
            conn.send(CHUNKED);
            conn.send_forever("0".repeat(4096), Duration::ZERO);
        })
    }),
    up(88, "the lines of chunks end in a bare LF", || reads_hello(chunks("2\nhe\n3\nllo\n0\n\n"))),
    up(88, "blanks follow the size of a chunk", || reads_hello(chunks("5   \r\nhello\r\n0  \r\n\r\n"))),
    up(88, "the connection ends with the last chunk, before the empty line", || {
        reads_hello(chunks("5\r\nhello\r\n0\r\n"))
    }),
    up(88, "an answer of HTTP/1.0 is in chunks", || {
        reads_hello(raw("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    }),
    up(88, "the transfer coding is `identity` beside a length, and the connection stays open", || {
        reads_hello(serve(|conn| {
            conn.send("HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\ncontent-length: 5\r\n\r\nhello");
            conn.stall();
        }))
    }),
    up(84, "the body is compressed for the transfer alone (`transfer-encoding: gzip, chunked`)", || {
        let body = bombs::gzipped(b"hello");
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n";
        let size = format!("{:x}\r\n", body.len());
        reads_hello(raw([head.as_bytes(), size.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat()))
    }),
    fails(88, "a chunk is longer than it says", HttpProtocol, Transfer, || chunks("3\r\nabcdef\r\n0\r\n\r\n")),
    fails(88, "the last chunk is missing", BodyTruncated, Transfer, || chunks("3\r\nabc\r\n")),
    fails(88, "the connection ends inside a chunk", BodyTruncated, Transfer, || chunks("64\r\nabc")),
    fails(88, "a chunk has an extension of 40,000 bytes", HttpProtocol, Transfer, || {
        chunks(&format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(40_000)))
    }),
    fails(88, "3,000 trailers follow the body", HttpProtocol, Transfer, || {
        let trailers = server::lines(3_000, |n| format!("t-{n}: y\r\n"));
        chunks(&format!("3\r\nabc\r\n0\r\n{trailers}\r\n"))
    }),
    up(89, "the body is not UTF-8: rules run on what can be read", || {
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhell\xf6 \xff\xfe ok".to_vec())
            .step(|step| step.expect.body = vec![TextRule::Contains(Value::plain("hell"))])
    }),
    up(89, "the body's charset does not exist", || {
        let headers = [("content-type", "text/html; charset=klingon-8")];
        raw(server::answer(200, &headers, "hello"))
            .step(|step| step.expect.body = vec![TextRule::Contains(Value::plain("hello"))])
    }),
    up(89, "the page is in ISO-8859-1 and a rule looks for a word with umlauts", || {
        text("text/html; charset=iso-8859-1", b"<p>Gr\xf6\xdfe").step(|step| {
            step.expect.body = vec![TextRule::Contains(Value::plain("Größe"))];
        })
    }),
    answers(79, "the JSON does not hold to `expect.json-schema`", AssertionFailed, || {
        let schema = r#"{"type": "object", "properties": {"items": {"type": "array", "minItems": 1}}}"#;
        let schema =
            uptick::model::JsonSchema::new(std::path::Path::new("feed.schema.json"), schema).expect("a schema");
        let server = Server::answers(server::ok(r#"{"items": []}"#));
        Case::get(server.url("/")).step(|step| step.expect.json_schema = Some(schema)).keep(server).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().starts_with("json-schema: expected feed.schema.json, got /items: "), "{message}");
        })
    }),
    up(79, "the JSON has numbers beyond a float and hundreds of nested lists, and holds to its schema", || {
        let schema = r#"{"properties": {"a": {"type": "number"}, "b": {"type": "array"}}}"#;
        let schema = uptick::model::JsonSchema::new(std::path::Path::new("a.json"), schema).expect("a schema");
        let body = format!("{{\"a\": 1e400, \"b\": {}{}}}", "[".repeat(300), "]".repeat(300));
        raw(server::ok(&body)).step(|step| step.expect.json_schema = Some(schema))
    }),
    answers(89, "the page is in ISO-8859-1 and has the word that it must not have", AssertionFailed, || {
        text("text/html; charset=iso-8859-1", b"<p>Gr\xf6\xdfe").step(|step| {
            step.expect.body = vec![TextRule::Lacks(Value::plain("Größe"))];
        })
    }),
    up(89, "the page is in windows-1251", || {
        text("text/html; charset=windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2")
            .step(|step| step.expect.body = vec![TextRule::Contains(Value::plain("Привет"))])
    }),
    up(89, "the page is in Shift_JIS and says so itself", || {
        text("text/html", b"<!doctype html><meta charset=Shift_JIS><p>\x93\xfa\x96{")
            .step(|step| step.expect.body = vec![TextRule::Contains(Value::plain("日本"))])
    }),
    up(89, "the text is in UTF-16 with a byte order mark", || {
        text("text/plain", b"\xff\xfeG\0r\0\xf6\0")
            .step(|step| step.expect.body = vec![TextRule::Matches(Pattern::new("^Grö$").expect("a pattern"))])
    }),
    up(90, "the JSON begins with a byte order mark", || json("\u{feff}{\"status\":\"ok\"}".to_owned())),
    up(90, "the JSON is in UTF-16", || {
        let bytes: Vec<u8> = "{\"status\":\"ok\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        status_is_ok(raw(server::answer(200, &[("content-type", "application/json")], bytes)))
    }),
    answers(90, "the JSON number is one less than it must be, beyond 2 to the 53", AssertionFailed, || {
        number("9007199254740992")
    }),
    up(90, "the JSON number is what it must be, beyond 2 to the 53", || number("9007199254740993")),
    answers(90, "the JSON number is one less than its least", AssertionFailed, || {
        let least = JsonExpectation::Min(9_007_199_254_740_993_i64.into());
        let body = "{\"id\":9007199254740992}";
        raw(server::answer(200, &[("content-type", "application/json")], body))
            .step(|step| step.expect.json = vec![rule("$.id", least)])
    }),
    up(90, "the JSON number is what it must be, written otherwise", || number("900719925474099.30e1")),
    answers(90, "a JSON path finds ever more nodes", AssertionFailed, || {
        let nested = format!("{}1{}", "{\"a\":[".repeat(250), "]}".repeat(250));
        raw(server::answer(200, &[("content-type", "application/json")], nested))
            .step(|step| step.expect.json = vec![rule("$..a..a..a..a", JsonExpectation::Exists(true))])
            .also(|outcome| {
                let message = outcome.failure.as_ref().expect("a failure").message.to_string();
                assert!(message.ends_with("the path takes too many steps on this document"), "{message}");
            })
    }),
    answers(90, "a captured JSON path finds ever more nodes", CaptureFailed, || {
        let nested = format!("{}1{}", "{\"a\":[".repeat(250), "]}".repeat(250));
        raw(server::answer(200, &[("content-type", "application/json")], nested)).step(|step| {
            let path = JsonPath::new("$..a..a..a..a").expect("a path");
            step.captures = vec![Capture { name: "a".to_owned(), from: CaptureFrom::Json(path) }];
        })
    }),
    answers(91, "a page nests 20,000 elements and its files must load", AssetFailed, || {
        text("text/html", "<div>".repeat(20_000).as_bytes()).step(|step| step.expect.assets = Some(images()))
    }),
    answers(91, "a page nests 200,000 elements and its files must load", AssetFailed, || {
        text("text/html", "<div>".repeat(200_000).as_bytes()).step(|step| step.expect.assets = Some(images()))
    }),
    answers(91, "a page has 200,000 elements and its files must load", AssetFailed, || {
        text("text/html", "<p>x".repeat(200_000).as_bytes()).step(|step| step.expect.assets = Some(images()))
    }),
    up(91, "an image in a template does not load, which no browser asks for", || {
        let server = Server::start(|conn| {
            let is_page = conn.request().starts_with(b"GET / ");
            let page = "<template><img src=/gone.png></template>";
            conn.send(server::answer(if is_page { 200 } else { 404 }, &[("content-type", "text/html")], page));
        });
        Case::get(server.url("/")).keep(server).step(|step| step.expect.assets = Some(images()))
    }),
    answers(91, "a page nests 20,000 elements and a value is captured from it", CaptureFailed, || {
        text("text/html", "<div>".repeat(20_000).as_bytes()).step(|step| {
            let selector = Selector::new("input").expect("a selector");
            let from = CaptureFrom::Select { selector, attribute: None };
            step.captures = vec![Capture { name: "a".to_owned(), from }];
        })
    }),
    answers(90, "the JSON is a hundred thousand nested lists", AssertionFailed, || json("[".repeat(100_000))),
    answers(90, "the JSON is nested closed lists, deeper than any reader goes", AssertionFailed, || {
        json(format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)))
    }),
    answers(90, "the JSON has NaN in it", AssertionFailed, || json("{\"status\":NaN}".to_owned())),
    answers(90, "the JSON is cut", AssertionFailed, || json("{\"status\":\"ok\"".to_owned())),
    answers(90, "the JSON has another value where the path leads", AssertionFailed, || {
        json("{\"status\":\"down\"}".to_owned()).also(|outcome| {
            let mismatches = &outcome.failure.as_ref().expect("a failure").mismatches;
            assert!(mismatches[0].actual.as_str().contains("down"), "{mismatches:?}");
        })
    }),
    answers(90, "the JSON is a number of 900,000 digits", AssertionFailed, || json("7".repeat(900_000))),
    up(90, "the JSON names a key twice: the last one counts", || {
        json("{\"status\":\"down\",\"status\":\"ok\"}".to_owned())
    }),
    answers(91, "a pattern that would take other engines years is not found", AssertionFailed, || {
        raw(server::ok(&"a".repeat(200_000))).step(|step| {
            let pattern = Pattern::new("^(a+)+$b").expect("a pattern");
            step.expect.body = vec![TextRule::Matches(pattern)];
        })
    }),
    up(92, "a HEAD request is answered with a body", || {
        raw(server::ok("hello"))
            .step(|step| step.request.method = http::Method::HEAD)
            .also(|outcome| assert_eq!(outcome.body_bytes, 0))
    }),
    up(92, "the body is empty", || raw(server::ok("")).also(|outcome| assert_eq!(outcome.body_bytes, 0))),
    answers(92, "the body is empty and `expect.min-bytes` is 1", AssertionFailed, || {
        raw(server::ok("")).step(|step| step.expect.min_bytes = Some(1))
    }),
];

const LENGTH_100: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

fn serve(script: impl Fn(&mut ScriptedConnection) + Send + Sync + 'static) -> Case {
    let server = Server::start(move |conn| {
        conn.request();
        script(conn);
    });
    Case::get(server.url("/")).keep(server)
}

fn raw(bytes: impl Into<Vec<u8>>) -> Case {
    let server = Server::answers(bytes);
    Case::get(server.url("/")).keep(server)
}

fn endless(head: &'static str, piece: String) -> Case {
    serve(move |conn| {
        conn.send(head);
        conn.send_forever(&piece, Duration::ZERO);
    })
}

fn encoded(encoding: &str, body: Vec<u8>) -> Case {
    raw(server::answer(200, &[("content-encoding", encoding)], body))
}

/// A case whose body must contain "hello".
fn reads_hello(case: Case) -> Case {
    case.step(|step| step.expect.body = vec![TextRule::Contains(Value::plain("hello"))])
}

fn chunks(body: &str) -> Case {
    raw([CHUNKED, body].concat())
}

/// A JSON body whose `$.status` must be "ok".
fn json(body: String) -> Case {
    status_is_ok(raw(server::answer(200, &[("content-type", "application/json")], body)))
}

fn status_is_ok(case: Case) -> Case {
    case.step(|step| step.expect.json = vec![rule("$.status", JsonExpectation::Equals("ok".into()))])
}

/// A JSON number that must be 2^53 + 1.
fn number(number: &str) -> Case {
    let body = format!("{{\"id\":{number}}}");
    raw(server::answer(200, &[("content-type", "application/json")], body)).step(|step| {
        let wanted = JsonExpectation::Equals(9_007_199_254_740_993_i64.into());
        step.expect.json = vec![rule("$.id", wanted)];
    })
}

fn rule(path: &str, rule: JsonExpectation) -> JsonRule {
    JsonRule { path: JsonPath::new(path).expect("a path"), rule }
}

fn text(content_type: &str, body: &[u8]) -> Case {
    raw(server::answer(200, &[("content-type", content_type)], body))
}

/// The images of a page must load.
fn images() -> Assets {
    Assets {
        select: Selector::new("img").expect("a selector"),
        limit: Assets::LIMIT,
        hosts: Vec::new(),
        body_limit: Assets::BODY_LIMIT,
        at_least: 0,
    }
}
