//! What a server speaks that ends a handshake because nothing is in common: it is asked once more with
//! the first message of an older client, and its choice says what this prober lacks.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most time that is spent on it.
const TIME: Duration = Duration::from_secs(2);

/// A server's choice stands in the first bytes of its answer.
const ANSWER: usize = 128;

/// Suites of TLS 1.2 that other clients know and this prober does not (IANA's registry).
const SUITES: &[(u16, &str)] = &[
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    (0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
    (0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
    (0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
];

/// Curves and signatures of older clients, beside ours.
const GROUPS: &[u16] = &[29, 23, 24, 25, 30, 26, 27, 28, 22];
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x0203, 0x0201, 0x0402, 0x0202,
];

/// The suite of TLS 1.2 that the server at this address chooses of those that this prober does not
/// know; none where it chooses none, or does not answer soon.
pub(super) async fn choice(address: SocketAddr, name: &str, random: [u8; 32]) -> Option<&'static str> {
    tokio::time::timeout(TIME, ask(address, name, random)).await.ok().flatten()
}

async fn ask(address: SocketAddr, name: &str, random: [u8; 32]) -> Option<&'static str> {
    let hello = client_hello(name, random)?;
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(&hello).await.ok()?;
    let mut answer = [0; ANSWER];
    let mut length = 0;
    while length < ANSWER {
        let read = stream.read(&mut answer[length..]).await.ok()?;
        if read == 0 {
            return None;
        }
        length += read;
        if let Some(suite) = chosen(&answer[..length]) {
            return SUITES.iter().find(|(number, _)| *number == suite).map(|(_, name)| *name);
        }
    }
    None
}

/// The suite in a `ServerHello` of TLS 1.2 (RFC 5246 section 7.4.1.3), once so much has come.
fn chosen(answer: &[u8]) -> Option<u16> {
    // Record: type 22, version, length. Message: type 2, length, version 3.3, random, session, suite.
    let is_hello = answer.first() == Some(&22) && answer.get(5) == Some(&2) && answer.get(9..11) == Some(&[3, 3]);
    if !is_hello {
        return None;
    }
    let session = usize::from(*answer.get(43)?);
    let suite = answer.get(44 + session..46 + session)?;
    Some(u16::from_be_bytes([suite[0], suite[1]]))
}

/// A `ClientHello` of TLS 1.2 (RFC 5246 section 7.4.1.2); none for a name that is too long for one.
fn client_hello(name: &str, random: [u8; 32]) -> Option<Vec<u8>> {
    let suites: Vec<u8> = SUITES.iter().flat_map(|(number, _)| number.to_be_bytes()).collect();
    let mut hello = vec![3, 3];
    hello.extend(random);
    hello.push(0);
    hello.extend(with_length(&suites)?);
    // No compression.
    hello.extend([1, 0]);
    hello.extend(with_length(&extensions(name)?)?);
    let length = u32::try_from(hello.len()).ok()?.to_be_bytes();
    let message = [&[1, length[1], length[2], length[3]], &hello[..]].concat();
    Some([&[22, 3, 1], &with_length(&message)?[..]].concat())
}

fn extensions(name: &str) -> Option<Vec<u8>> {
    let words = |words: &[u16]| with_length(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>());
    let mut extensions = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| -> Option<()> {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(with_length(&content)?);
        Some(())
    };
    if name.parse::<std::net::IpAddr>().is_err() {
        let host = [&[0], &with_length(name.as_bytes())?[..]].concat();
        add(0, with_length(&host)?)?;
    }
    add(10, words(GROUPS)?)?;
    // Uncompressed points.
    add(11, vec![1, 0])?;
    add(13, words(SIGNATURES)?)?;
    // Extended master secret, and no renegotiation.
    add(23, Vec::new())?;
    add(0xff01, vec![0])?;
    Some(extensions)
}

/// Bytes with their length before them.
fn with_length(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(bytes.len()).ok()?.to_be_bytes();
    Some([&length[..], bytes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_once_enough_has_come() {
        let mut hello = vec![22, 3, 3, 0, 45, 2, 0, 0, 41, 3, 3];
        hello.extend([7; 32]);
        hello.extend([3, 9, 9, 9, 0x00, 0x2f, 0]);
        for length in 0..48 {
            assert_eq!(chosen(&hello[..length]), None, "{length}");
        }
        assert_eq!(chosen(&hello), Some(0x002f));
        assert_eq!(chosen(&[21, 3, 3, 0, 2, 2, 40]), None);
    }

    #[test]
    fn the_message_is_as_long_as_it_says() {
        let hello = client_hello("good.test", [7; 32]).expect("a message");
        assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
        assert!(client_hello(&"a".repeat(70_000), [7; 32]).is_none());
    }
}
