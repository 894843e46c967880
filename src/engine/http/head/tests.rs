use super::*;

fn read(head: impl AsRef<[u8]>) -> Result<Option<ResponseHead>, Refused> {
    HeadReader::default().take(&mut BytesMut::from(head.as_ref()))
}

fn line(head: &str) -> Option<(usize, &'static str)> {
    match read(head) {
        Err(Refused::Line { number, why, .. }) => Some((number, why)),
        _ => None,
    }
}

fn header(head: impl AsRef<[u8]>, name: &str) -> Vec<u8> {
    let head = read(head).expect("a head").expect("all of it");
    head.headers.get(name).expect("the header").as_bytes().to_vec()
}

#[test]
fn the_line_that_is_refused_is_named() {
    assert_eq!(line("HTTP/1.1 200 OK\r\na: b\r\nX Y: z\r\n\r\n"), Some((3, "there is a space in the name")));
    assert_eq!(line("HTTP/1.1 200 OK\nno colon\n\n"), Some((2, "there is no colon")));
    assert_eq!(line("HTTP/1.1 200 OK\r\nx : y\r\n\r\n"), Some((2, "there is a space before the colon")));
    assert_eq!(line("HTTP/1.1 200 OK\r\nx: a\0b\r\n"), Some((2, "there is a control character in the value")));
    assert_eq!(line("HTTP/1.1 99 OK\r\n"), Some((1, "the status is not a number of three digits")));
    assert_eq!(line("HTTP/1.1 2000 OK\r\n"), Some((1, "the status is not a number of three digits")));
    assert_eq!(line("HTTP/1.1 20O OK\r\n"), Some((1, "the status is not a number of three digits")));
    for version in ["HTTP/1.1200", "HTTP/1.2", "HTTP/2.1", "HTTP/3", "HTTP/1"] {
        let wanted = "the version is none of HTTP/1.0, HTTP/1.1 and HTTP/2";
        assert_eq!(line(&format!("{version} 200 OK\r\n")), Some((1, wanted)), "{version}");
    }
    assert_eq!(
        line("HTTP/1.1 200 OK\r\n folded: x\r\n\r\n"),
        Some((2, "it continues a header, but there is none before it"))
    );
    assert_eq!(line("HTTP/1.1 200 OK\r\na\tb: x\r\n\r\n"), Some((2, "there is a space in the name")));
    let two = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(line(two), Some((3, "it differs from the content-length before it")));
    let after_interim = "HTTP/1.1 103 x\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\nbad\r\n\r\n";
    assert_eq!(line(after_interim), Some((2, "there is no colon")));
}

#[test]
fn what_browsers_show_is_not_refused() {
    assert_eq!(header(b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\nY_z: caf\xe9\r\n\r\n", "x"), b"a b");
    assert_eq!(header(b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\nY_z: caf\xe9\r\n\r\n", "y_z"), b"caf\xe9");
    assert_eq!(header(b"HTTP/1.0 404\nx:y\n\n", "x"), b"y");
    assert_eq!(header(b"HTTP/1.1 200 OK\r\r\nx: y\r\r\n\r\r\n", "x"), b"y");
    assert_eq!(header(b"\r\n\nHTTP/1.1   200   OK\r\nx:\r\n\r\n", "x"), b"");
    for status_line in ["http/1.1 200 OK", "HTTP/2 200", "HTTP/2.0 200 OK", "HTTP/1.1 200OK", "HTTP/1.1 200\tOK"] {
        let head = read(format!("{status_line}\r\n\r\n")).expect("no refusal").expect("all of it");
        assert_eq!((head.status, head.version), (StatusCode::OK, Version::HTTP_11), "{status_line}");
    }
    for length in ["+5", "05", "00000000000000000000005"] {
        let head = read(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"));
        assert_eq!(head.expect("no refusal").expect("all of it").content_length(), Some(5), "{length}");
    }
    for length in ["-5", "", "5.0", "0x5", "++5", "+", "18446744073709551616", "\u{665}"] {
        let refused = line(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"));
        assert_eq!(refused, Some((2, "the length is not a number")), "{length}");
    }
    let passed_over = "HTTP/1.1 200 OK\r\nx(y): z\r\n folded\r\n\"q\": z\r\ngröße: z\r\na: b\r\n\r\n";
    let head = read(passed_over).expect("a head").expect("all of it");
    assert_eq!(head.headers.len(), 1, "{:?}", head.headers);
}

#[test]
fn another_protocol_is_told_from_a_wrong_line() {
    assert_eq!(read(b"ICY 200 OK\r\n").expect_err("refused"), Refused::NotHttp);
    assert_eq!(read(b"<html>").expect_err("refused"), Refused::NotHttp);
    assert_eq!(read([0x15, 3, 3, 0, 2, 2, 50]).expect_err("refused"), Refused::Other("TLS"));
    for (answer, name) in [
        (&b"SSH-2.0-OpenSSH_9.7\r\n"[..], "SSH"),
        (b"220 mail.example.com ESMTP\r\n", "SMTP or FTP"),
        (b"* OK IMAP4rev1 ready\r\n", "IMAP"),
        (b"+OK ready\r\n", "POP3"),
        (b"-ERR unknown command 'GET'\r\n", "Redis"),
    ] {
        assert_eq!(read(answer).expect_err("refused"), Refused::Other(name));
    }
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    assert_eq!(read(settings).expect_err("refused"), Refused::Http2);
    for incomplete in [&b""[..], b"\r", b"\x15", b"HT", b"HTTP/1.1 200 OK\r\nx-cu"] {
        assert!(read(incomplete).expect("no refusal").is_none());
    }
}

#[test]
fn a_head_is_read_however_it_comes_and_the_body_is_left() {
    let bytes = b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\n5\r\nhello";
    let (mut reader, mut unread, mut read) = (HeadReader::default(), BytesMut::new(), None);
    for byte in bytes {
        unread.extend_from_slice(&[*byte]);
        if read.is_none() {
            read = reader.take(&mut unread).expect("no refusal");
        }
    }
    assert_eq!(read.expect("a head").status, StatusCode::OK);
    assert_eq!(&unread[..], b"5\r\nhello");
}

#[test]
fn an_interim_response_is_no_part_of_the_answer() {
    for (came, arrived) in [
        ("", Arrived::Nothing),
        ("HTTP/1.1 100 Continue\r\n\r\n", Arrived::Interim),
        ("HTTP/1.1 100 Continue\r\n", Arrived::Part),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2", Arrived::Part),
    ] {
        let (mut reader, mut unread) = (HeadReader::default(), BytesMut::from(came));
        assert!(reader.take(&mut unread).expect("no refusal").is_none());
        assert_eq!(reader.arrived(&unread), arrived, "{came}");
    }
}

#[test]
fn heads_are_bounded() {
    let lines = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(count));
    assert!(read(lines(HEADERS)).expect("no refusal").is_some());
    assert_eq!(read(lines(HEADERS + 1)).expect_err("refused"), Refused::TooMany);
    let line = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD));
    assert_eq!(read(line).expect_err("refused"), Refused::TooLarge);
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(INTERIM + 1);
    assert_eq!(read(interim).expect_err("refused"), Refused::Interim);
}
