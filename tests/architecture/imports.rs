//! The import graph: which file names an item of which other file. A path is followed to the file
//! that declares the item, through `super::`, `self::` and re-exports; a re-export counts as an
//! import too. Unit tests are ignored.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The path of a module from the crate's root: `["report", "series"]`.
pub(crate) type Module = Vec<String>;

/// Each module of the crate that is a file, with the modules whose items it names.
pub(crate) struct ImportGraph {
    imports: BTreeMap<Module, BTreeSet<Module>>,
}

impl ImportGraph {
    /// Reads every file below a source folder.
    pub(crate) fn read(source: &Path) -> ImportGraph {
        let files: BTreeMap<Module, File> =
            rust_files(source).into_iter().map(|path| (module_of(source, &path), File::read(&path))).collect();
        let tests: BTreeSet<Module> = files
            .iter()
            .flat_map(|(module, file)| file.test_modules.iter().map(move |name| child(module, name)))
            .collect();
        let is_test = |module: &Module| tests.iter().any(|test| module.starts_with(test));
        let known: BTreeMap<&Module, &File> = files.iter().filter(|(module, _)| !is_test(module)).collect();
        let crate_names = CrateNames { files: &known };
        let mut imports = BTreeMap::new();
        for (module, file) in &known {
            let targets: BTreeSet<Module> = file
                .paths
                .iter()
                .filter_map(|path| crate_names.absolute(module, path))
                .filter_map(|path| crate_names.declaring_file(&path, 0))
                .filter(|target| target != *module && !target.is_empty())
                .collect();
            if !module.is_empty() {
                imports.insert((*module).clone(), targets);
            }
        }
        ImportGraph { imports }
    }

    /// Each import, as the module that names something and the module whose file declares it.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (&Module, &Module)> {
        self.imports.iter().flat_map(|(importer, targets)| targets.iter().map(move |target| (importer, target)))
    }

    /// One shortest cycle for each set of files that import one another.
    pub(crate) fn cycles(&self) -> Vec<String> {
        let mut reported = BTreeSet::new();
        let mut cycles = Vec::new();
        for start in self.imports.keys() {
            let Some(way) = self.way_back_to(start) else { continue };
            let members: BTreeSet<Module> = way.iter().cloned().collect();
            if reported.insert(members) {
                let names: Vec<String> = way.iter().chain([start]).map(|module| module.join("::")).collect();
                cycles.push(names.join(" -> "));
            }
        }
        cycles
    }

    /// The shortest path from a module back to itself, starting with it; `None` if there is none.
    fn way_back_to(&self, start: &Module) -> Option<Vec<Module>> {
        let mut came_from: BTreeMap<&Module, &Module> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(module) = queue.pop_front() {
            for next in self.imports.get(module).into_iter().flatten() {
                if next == start {
                    let mut way = vec![module.clone()];
                    let mut at = module;
                    while at != start {
                        at = came_from.get(at)?;
                        way.push(at.clone());
                    }
                    way.reverse();
                    return Some(way);
                }
                if !came_from.contains_key(next) {
                    came_from.insert(next, module);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// What one file names and declares.
#[derive(Default)]
struct File {
    /// Paths as written, with at least two segments.
    paths: Vec<Vec<String>>,
    /// Names that it brings into scope, which other files may use through it, with their paths.
    names: BTreeMap<String, Vec<String>>,
    /// Its own modules that are compiled only for tests.
    test_modules: Vec<String>,
}

impl File {
    fn read(path: &Path) -> File {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut file = File::default();
        file.visit_file(&syntax);
        file
    }

    fn add_use(&mut self, prefix: &[String], tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.add_use(&child(prefix, &path.ident.to_string()), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(prefix, tree)),
            syn::UseTree::Name(name) if name.ident == "self" => self.bring(prefix.to_vec(), None),
            syn::UseTree::Name(name) => self.bring(child(prefix, &name.ident.to_string()), None),
            syn::UseTree::Rename(rename) => {
                let path =
                    if rename.ident == "self" { prefix.to_vec() } else { child(prefix, &rename.ident.to_string()) };
                self.bring(path, Some(rename.rename.to_string()));
            }
            syn::UseTree::Glob(_) => self.paths.push(prefix.to_vec()),
        }
    }

    fn bring(&mut self, path: Vec<String>, alias: Option<String>) {
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            self.names.insert(name, path.clone());
        }
        self.paths.push(path);
    }

    /// Paths inside a macro's tokens: `matches!(verdict, super::Verdict::Up)`.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_path(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_path(&mut path);
                    self.add_tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.end_path(&mut path);
                    colons = 0;
                }
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if attributes(item).iter().any(is_test_only) {
            if let syn::Item::Mod(module) = item {
                self.test_modules.push(module.ident.to_string());
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.add_tokens(item.tokens.clone());
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an attribute is `#[cfg(test)]`.
fn is_test_only(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

/// The names of the whole crate.
struct CrateNames<'f> {
    files: &'f BTreeMap<&'f Module, &'f File>,
}

impl CrateNames<'_> {
    /// A path written in a module, as a path from the crate's root. `None` if it leads to another
    /// crate or to an item of the module itself.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module.as_slice(), &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                let base = &module[..module.len().saturating_sub(ups)];
                Some([base, &path[ups..]].concat())
            }
            first if self.files.contains_key(&child(module, first)) => Some([module.as_slice(), path].concat()),
            _ => None,
        }
    }

    /// The module whose file declares the target of a path from the root.
    fn declaring_file(&self, path: &[String], followed: usize) -> Option<Module> {
        const REEXPORTS: usize = 12;
        let depth = (0..=path.len()).take_while(|end| self.files.contains_key(&path[..*end].to_vec())).last()?;
        let module: Module = path[..depth].to_vec();
        if let Some(name) = path.get(depth)
            && followed < REEXPORTS
            && let Some(target) = self.files.get(&module).and_then(|file| file.names.get(name))
            && let Some(target) = self.absolute(&module, target)
        {
            let whole = [target.as_slice(), &path[depth + 1..]].concat();
            return self.declaring_file(&whole, followed + 1);
        }
        Some(module)
    }
}

fn child(module: &[String], name: &str) -> Module {
    [module, &[name.to_owned()]].concat()
}

/// `src/report/series.rs` → `["report", "series"]`; `src/lib.rs` → `[]`.
fn module_of(source: &Path, path: &Path) -> Module {
    let inside = path.strip_prefix(source).expect("a file below the source folder").with_extension("");
    let mut module: Module = inside.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

/// Every Rust file of the library, in the order of its path.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("main.rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        ImportGraph::read(folder.path()).cycles()
    }

    #[test]
    fn a_way_round_through_super_is_found_and_printed() {
        let found = graph(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; use b::B; pub struct A(B);"),
            ("a/b.rs", "use super::A; pub struct B(Option<Box<A>>);"),
        ]);
        assert_eq!(found, ["a -> a::b -> a"]);
    }

    #[test]
    fn a_reexport_leads_to_the_file_that_declares() {
        let found = graph(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c; pub use b::B; pub use c::C;"),
            ("a/b.rs", "use super::C; pub struct B(C);"),
            ("a/c.rs", "pub struct C;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_reexport_hides_no_way_round() {
        let found = graph(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c; pub use b::B; pub use c::C;"),
            ("a/b.rs", "use crate::a::C; pub struct B(C);"),
            ("a/c.rs", "fn f() { assert!(matches!(1, super::B::ONE)); } pub struct C;"),
        ]);
        assert_eq!(found, ["a::b -> a::c -> a::b"]);
    }

    #[test]
    fn grouped_imports_of_the_root_are_imports() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::{b};"), ("b.rs", "pub struct B;")] {
            fs::write(folder.path().join(path), text).expect("a file");
        }
        let graph = ImportGraph::read(folder.path());
        let found: Vec<String> =
            graph.imports().map(|(from, to)| [from.join("::"), to.join("::")].join(" -> ")).collect();
        assert_eq!(found, ["a -> b"]);
    }

    #[test]
    fn unit_tests_do_not_count() {
        let found = graph(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "#[cfg(test)] mod tests { use crate::b::B; } pub struct A;"),
            ("b.rs", "use crate::a::A; pub struct B(A);"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }
}
