//! Declares the formats of one command as an enum, from one table: the name, meaning and writer of
//! a format are on one line, and nowhere else. Help and completions use them.

/// Declares the enum of the formats of an answer. A row has the variant, its name on the command
/// line, its purpose, and the expression that writes the answer.
macro_rules! formats {
    (
        $(#[$about:meta])*
        $format:ident writes $answer_type:ty, |$answer:ident, $out:ident|
        $($variant:ident = $name:literal, $meaning:literal: $write:expr,)+
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $format {
            $(
                #[doc = $meaning]
                $variant,
            )+
        }

        impl $format {
            /// Every format.
            pub const ALL: [$format; [$($name),+].len()] = [$($format::$variant),+];

            /// The name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($format::$variant => $name,)+
                }
            }

            /// Its purpose, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $($format::$variant => $meaning,)+
                }
            }

            /// Writes an answer in this format.
            ///
            /// # Errors
            /// Errors of the writer.
            pub fn write(self, $answer: &$answer_type, mut out: &mut dyn std::io::Write) -> std::io::Result<()> {
                let $out = &mut out;
                match self {
                    $($format::$variant => $write,)+
                }
            }
        }
    };
}

pub(super) use formats;
