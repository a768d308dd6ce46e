//! Programs that several archives and images of a run hold: compressed once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sealift_trust::Digest;
use sealift_trust::name::FileName;

use crate::archive::{self, ArchiveError, Codec, Content, Format, MemberPath, Opener, Precompressed};
use crate::host::files::{self, FileError};
use crate::host::staging::Staged;
use crate::plan::{Member, Plan};
use crate::product::Binary;
use crate::store::Store;
use crate::target::Target;

/// Gives programs to archives and images. Those that more than one of them wants with the same compression are
/// compressed into a file of the stage, from which every one copies.
pub struct Programs<'a> {
    store: &'a Store,
    /// How many want a program.
    uses: BTreeMap<Use, usize>,
    made: Mutex<BTreeMap<(Digest, u8), Cell>>,
}

/// Which program, and how it is compressed.
type Use = (FileName, Target, u8);

/// What was compressed, and where it lies.
type Made = (Precompressed, PathBuf);

/// Empty until the first one wants it; who comes second waits.
type Cell = Arc<Mutex<Option<Made>>>;

impl<'a> Programs<'a> {
    /// Those of a plan.
    pub fn new(store: &'a Store, plan: &Plan) -> Self {
        let archives = plan.packages.iter().flat_map(|step| {
            let program = |member: &Member| match (member, &step.target) {
                (Member::Binary { service, .. }, Some(target)) => Some((service.clone(), target.clone(), step.codec)),
                _ => None,
            };
            step.members.iter().filter_map(program)
        });
        let images = plan.images.iter().flat_map(|image| {
            image.platforms.iter().map(|platform| (image.service.clone(), platform.target.clone(), image.codec))
        });
        let mut uses = BTreeMap::new();
        for (service, target, codec) in archives.chain(images) {
            if codec.format() != Format::TarZst {
                *uses.entry((service, target, codec.level())).or_default() += 1;
            }
        }
        Self { store, uses, made: Mutex::default() }
    }

    /// The content of a program, for an archive or a layer.
    pub fn content<E: From<ArchiveError> + From<FileError>>(
        &self,
        binary: &Binary,
        codec: Codec,
    ) -> Result<Content, E> {
        let (digest, size) = (binary.artifact.digest(), binary.artifact.size());
        let mut content = self.plain(binary);
        let place = (binary.service.clone(), binary.target.clone(), codec.level());
        if !Precompressed::pays(codec, size) || self.uses.get(&place).is_none_or(|uses| *uses < 2) {
            return Ok(content);
        }
        let cell = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.entry((digest, codec.level())).or_default().clone()
        };
        let mut made = cell.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, path) = match &*made {
            Some(known) => known.clone(),
            None => made.insert(self.make::<E>(binary, codec)?).clone(),
        };
        content.precompressed = Some((known, opener(path)));
        Ok(content)
    }

    fn make<E: From<ArchiveError> + From<FileError>>(&self, binary: &Binary, codec: Codec) -> Result<Made, E> {
        let mut staged = Staged::create(self.store.stage(), 0o644)?;
        let name = MemberPath::new(binary.service.as_str())?;
        let known = archive::precompress(codec, super::threads(), name, self.plain(binary), &mut staged)?;
        // It goes with the stage, at the end of the run.
        let path = self.store.stage().join(format!("{}.{}.deflate", binary.artifact.digest().hex(), codec.level()));
        staged.measured().commit_volatile(&path)?;
        Ok((known, path))
    }

    fn plain(&self, binary: &Binary) -> Content {
        Content::new(binary.artifact.size(), opener(self.store.path_of(binary.artifact.digest())))
    }
}

/// Opens a file when its turn comes.
pub(super) fn opener(file: PathBuf) -> Opener {
    Box::new(move || Ok(Box::new(files::open(&file).map_err(std::io::Error::other)?)))
}
