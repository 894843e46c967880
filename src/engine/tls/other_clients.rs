//! What a server supports that ended a handshake because nothing is in common: it is sent the `ClientHello`
//! of other clients, and its choice tells what this prober lacks.

use std::time::Duration;
use std::{fmt, io};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most time spent on this.
const TIME: Duration = Duration::from_secs(2);

/// How many bytes of an answer are read: the server's choice is among the first.
const ANSWER: usize = 128;

/// TLS 1.2 suites that other clients support and this prober does not (IANA's registry).
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

/// TLS 1.3 suites that other clients support and this prober does not.
const SUITES_OF_TLS13: &[(u16, &str)] = &[(0x1304, "TLS_AES_128_CCM_SHA256"), (0x1305, "TLS_AES_128_CCM_8_SHA256")];

/// The suites that this prober supports.
const OURS: &[u16] = &[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9];

/// Key exchange groups that other clients support and this prober does not.
const GROUPS: &[(u16, &str)] = &[
    (30, "X448"),
    (22, "secp256k1"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (31, "brainpoolP256r1 (TLS 1.3)"),
    (32, "brainpoolP384r1 (TLS 1.3)"),
    (33, "brainpoolP512r1 (TLS 1.3)"),
    (41, "SM2"),
    (256, "ffdhe2048"),
    (257, "ffdhe3072"),
    (258, "ffdhe4096"),
    (259, "ffdhe6144"),
    (260, "ffdhe8192"),
    (0x0200, "MLKEM512"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
    (0x11ed, "SecP384r1MLKEM1024"),
];

/// The key exchange groups that this prober supports.
const OUR_GROUPS: &[u16] = &[29, 23, 24, 25];

/// The signature schemes that any client supports.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x081a, 0x081b, 0x081c, 0x0904, 0x0905, 0x0906, 0x0708, 0x0203, 0x0201, 0x0303, 0x0301, 0x0402, 0x0202,
];

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// The random bytes that mark a `ServerHello` as a `HelloRetryRequest` (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What this prober lacks to connect to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnsupportedParameter {
    Suite(&'static str),
    Group(&'static str),
    /// The version and the suite are supported, and so is the group if TLS 1.3 names one.
    Signature,
}

impl UnsupportedParameter {
    /// The kind of parameter that is not in common.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            UnsupportedParameter::Suite(_) => "cipher suite",
            UnsupportedParameter::Group(_) => "key exchange",
            UnsupportedParameter::Signature => "signature or curve",
        }
    }
}

impl fmt::Display for UnsupportedParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnsupportedParameter::Suite(name) | UnsupportedParameter::Group(name) => f.write_str(name),
            UnsupportedParameter::Signature => f.write_str("another one"),
        }
    }
}

/// What the server that `connect` leads to chooses that this prober does not support; none if it chooses nothing, or
/// does not answer in time.
pub(super) async fn choice<F: Future<Output = io::Result<TcpStream>>>(
    connect: impl Fn() -> F,
    name: &str,
    random: [u8; 32],
) -> Option<UnsupportedParameter> {
    let of_others = client_hello(name, random, Client::Tls12)?;
    let of_ours = client_hello(name, random, Client::Tls13)?;
    let asking = async {
        // A server that chooses a suite of ours would choose another one as well, if it were all it is offered.
        match ask(connect(), &of_ours).await {
            Some(chosen) => unsupported(chosen),
            None => unsupported(ask(connect(), &of_others).await?),
        }
    };
    tokio::time::timeout(TIME, asking).await.ok().flatten()
}

async fn ask(connecting: impl Future<Output = io::Result<TcpStream>>, hello: &[u8]) -> Option<Chosen> {
    let mut stream = connecting.await.ok()?;
    stream.write_all(hello).await.ok()?;
    let mut answer = [0; ANSWER];
    let mut length = 0;
    while length < ANSWER {
        let read = stream.read(&mut answer[length..]).await.ok()?;
        if read == 0 {
            return None;
        }
        length += read;
        if let Some(chosen) = chosen(&answer[..length]) {
            return Some(chosen);
        }
    }
    None
}

/// What a server chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chosen {
    suite: u16,
    /// The group that a TLS 1.3 server asks for.
    group: Option<u16>,
}

fn unsupported(chosen: Chosen) -> Option<UnsupportedParameter> {
    let named =
        |number: u16, of: &[(u16, &'static str)]| of.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    let suite = named(chosen.suite, SUITES).or_else(|| named(chosen.suite, SUITES_OF_TLS13));
    match (suite, chosen.group) {
        (Some(suite), _) => Some(UnsupportedParameter::Suite(suite)),
        (None, Some(group)) if !OUR_GROUPS.contains(&group) => named(group, GROUPS).map(UnsupportedParameter::Group),
        (None, _) => OURS.contains(&chosen.suite).then_some(UnsupportedParameter::Signature),
    }
}

/// The choice in a `ServerHello` (RFC 5246 section 7.4.1.3) or a `HelloRetryRequest`, once enough bytes have arrived.
fn chosen(answer: &[u8]) -> Option<Chosen> {
    // Record: type 22, version, length. Message: type 2, length, version 3.3, random, session, suite.
    let is_hello = answer.first() == Some(&22) && answer.get(5) == Some(&2) && answer.get(9..11) == Some(&[3, 3]);
    if !is_hello {
        return None;
    }
    let session = usize::from(*answer.get(43)?);
    let suite = word(answer, 44 + session)?;
    if answer.get(11..43) != Some(&RETRY) {
        return Some(Chosen { suite, group: None });
    }
    // Compression, the length of all extensions, and each with its number and its length.
    let mut at = 44 + session + 2 + 1 + 2;
    loop {
        let (kind, length) = (word(answer, at)?, usize::from(word(answer, at + 2)?));
        if kind == KEY_SHARE {
            return Some(Chosen { suite, group: Some(word(answer, at + 4)?) });
        }
        at += 4 + length;
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let word = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([word[0], word[1]]))
}

/// The client that a `ClientHello` imitates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// It supports only TLS 1.2 suites that this prober does not.
    Tls12,
    /// It supports the suites of this prober, every other one of TLS 1.3 and every group, and sends no key share: the
    /// server names the group that it wants.
    Tls13,
}

/// A `ClientHello` (RFC 8446 section 4.1.2); none for a name that is too long for one.
fn client_hello(name: &str, random: [u8; 32], client: Client) -> Option<Vec<u8>> {
    let numbers = |of: &[(u16, &str)]| of.iter().map(|(number, _)| *number).collect::<Vec<u16>>();
    let suites = match client {
        Client::Tls12 => numbers(SUITES),
        Client::Tls13 => [OURS, &numbers(SUITES_OF_TLS13)].concat(),
    };
    let mut hello = vec![3, 3];
    hello.extend(random);
    hello.push(0);
    hello.extend(words(&suites)?);
    // No compression.
    hello.extend([1, 0]);
    hello.extend(with_length(&extensions(name, client)?)?);
    let length = u32::try_from(hello.len()).ok()?.to_be_bytes();
    let message = [&[1, length[1], length[2], length[3]], &hello[..]].concat();
    Some([&[22, 3, 1], &with_length(&message)?[..]].concat())
}

fn extensions(name: &str, client: Client) -> Option<Vec<u8>> {
    let mut extensions = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| -> Option<()> {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(with_length(&content)?);
        Some(())
    };
    if name.parse::<std::net::IpAddr>().is_err() {
        let host = [&[0], &with_length(name.as_bytes())?[..]].concat();
        add(SERVER_NAME, with_length(&host)?)?;
    }
    let groups: Vec<u16> = OUR_GROUPS.iter().copied().chain(GROUPS.iter().map(|(number, _)| *number)).collect();
    add(SUPPORTED_GROUPS, words(&groups)?)?;
    // Uncompressed points.
    add(POINT_FORMATS, vec![1, 0])?;
    add(SIGNATURE_ALGORITHMS, words(SIGNATURES)?)?;
    add(EXTENDED_MASTER_SECRET, Vec::new())?;
    add(RENEGOTIATION_INFO, vec![0])?;
    if client == Client::Tls13 {
        add(SUPPORTED_VERSIONS, vec![4, 3, 4, 3, 3])?;
        add(KEY_SHARE, vec![0, 0])?;
    }
    Some(extensions)
}

/// Numbers, preceded by their length in bytes.
fn words(words: &[u16]) -> Option<Vec<u8>> {
    with_length(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>())
}

/// Bytes, preceded by their length.
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
        assert_eq!(chosen(&hello), Some(Chosen { suite: 0x002f, group: None }));
        assert_eq!(
            unsupported(chosen(&hello).expect("a choice")),
            Some(UnsupportedParameter::Suite("TLS_RSA_WITH_AES_128_CBC_SHA"))
        );
        assert_eq!(chosen(&[21, 3, 3, 0, 2, 2, 40]), None);
    }

    #[test]
    fn a_group_is_read_where_a_key_of_it_is_asked_for() {
        let retry = |group: u16| {
            let mut hello = vec![22, 3, 3, 0, 52, 2, 0, 0, 48, 3, 3];
            hello.extend(RETRY);
            hello.extend([0, 0x13, 0x01, 0, 0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2]);
            hello.extend(group.to_be_bytes());
            hello
        };
        assert_eq!(chosen(&retry(30)).and_then(unsupported), Some(UnsupportedParameter::Group("X448")));
        assert_eq!(chosen(&retry(23)).and_then(unsupported), Some(UnsupportedParameter::Signature));
        assert_eq!(chosen(&retry(9_999)).and_then(unsupported), None);
        assert_eq!(chosen(&retry(30)[..60]), None);
    }

    #[test]
    fn the_message_is_as_long_as_it_says() {
        for client in [Client::Tls12, Client::Tls13] {
            let hello = client_hello("good.test", [7; 32], client).expect("a message");
            assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
            assert!(client_hello(&"a".repeat(70_000), [7; 32], client).is_none());
        }
    }
}
