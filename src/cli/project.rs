//! What the subcommands that work on a project share: its configuration, its store, its records.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use sealift_trust::Digest;

use super::World;
use crate::build::Yard;
use crate::config::settings::Config;
use crate::config::{self, Fallback, Loaded, Overrides};
use crate::error::{Failure, Kind};
use crate::event::Events;
use crate::history::Git;
use crate::host::{Host, files};
use crate::image::Places;
use crate::lock::Lock;
use crate::plan::{self, Plan};
use crate::product::{self, RecordedImages};
use crate::store::{Records, Store};
use crate::survey::{self, House, Images, Repository, Request, Survey, SurveyError};
use crate::target::Pattern;
use crate::toolchain::sources::command_name;
use crate::version::notes::Edition;
use crate::version::{Mode, Next, Release};

/// Which services and targets.
#[derive(Args, Clone, Default)]
pub struct Selection {
    /// Only this service (again for more)
    #[arg(short, long = "service", value_name = "NAME")]
    pub services: Vec<String>,
    /// Only these targets: os/arch[/variant], "linux/*", "!windows/386", host, all (again for more)
    #[arg(short, long = "target", value_name = "TARGET", value_delimiter = ',')]
    pub targets: Vec<String>,
}

impl Selection {
    /// The targets, parsed. A mistyped one is a matter of the command line, whatever it would be in a file.
    fn patterns(&self) -> Result<Option<Vec<Pattern>>, Failure> {
        let parse = |text: &String| {
            text.parse::<Pattern>().map_err(|error| Failure { kind: Kind::Usage, ..Failure::from(error) })
        };
        let patterns = self.targets.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(patterns).filter(|patterns| !patterns.is_empty()))
    }
}

/// What a plan is made for.
#[derive(Clone, Copy)]
pub struct Aim {
    /// How the version is found.
    pub mode: Mode,
    /// Whether a repository must be there.
    pub repository: Repository,
    /// Whether images are made.
    pub images: Images,
}

impl Aim {
    /// Of a commit: the tagged version, or a snapshot.
    pub fn release(snapshot: bool, images: Images) -> Self {
        let mode = if snapshot { Mode::Snapshot } else { Mode::Release };
        Self { mode, repository: Repository::Required, images }
    }
}

/// A project that is being worked on. While it lives, no other sealift works on it.
pub struct Project<'a> {
    pub host: &'a Host,
    pub events: &'a Events,
    /// Its configuration; its root is where the sources are.
    pub config: Config,
    /// The project's folder, where records and `dist/` are.
    pub home: PathBuf,
    /// Which release this is, where that is decided before the survey.
    pub decided: Option<(Release, Next)>,
    /// The commit that is checked out in the project's folder, where another one is built.
    pub parent: Option<String>,
    /// Tags of modules in folders of their own, that a release makes.
    pub module_tags: Vec<String>,
    /// The digest of `sealift.toml`, if there is one.
    pub configuration: Option<Digest>,
    pub store: Store,
    pub lock: Lock,
}

/// Reads the configuration.
pub fn load(world: &World<'_>, overrides: &Overrides) -> Result<Loaded, Failure> {
    let file = config::load(world.host, &world.dir(), world.global.config.as_deref())?;
    Ok(file.resolve(world.host, &|| fallback(world.host, file.root()), overrides)?)
}

/// Reads the configuration as it is in another folder, of the same project: what the project says of itself holds there
/// too.
pub fn load_elsewhere(world: &World<'_>, root: &Path, folder: &Path) -> Result<Loaded, Failure> {
    let named = world.global.config.as_deref().and_then(Path::file_name).map(|name| folder.join(name));
    let file = config::load(world.host, folder, named.as_deref())?;
    Ok(file.resolve(world.host, &|| fallback(world.host, root), &Overrides::default())?)
}

/// A record of images, if there is one that can be read.
pub fn recorded_images(root: &Path, name: &str) -> Option<RecordedImages> {
    let bytes = files::read_if_present(&root.join(".sealift").join(name), product::MAX_RECORD as u64);
    bytes.ok().flatten().and_then(|bytes| product::read_images(&bytes).ok())
}

/// What the project says of itself: its remote, else its module path, else its folder.
fn fallback(host: &Host, root: &Path) -> Fallback {
    let source = Git::find(host, root).ok().and_then(|git| crate::history::origin(host, &git));
    let last = |text: &str| text.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
    let module = survey::module_path(root);
    let (name, name_from) = if let Some(name) = source.as_deref().and_then(last) {
        (name, "git remote")
    } else if let Some(name) = module.as_deref().map(command_name) {
        (name.to_owned(), "go.mod")
    } else {
        (root.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy().into_owned()), "folder")
    };
    Fallback { name, name_from, source, source_from: "git remote" }
}

impl<'a> Project<'a> {
    /// Opens a project.
    pub fn open(world: &World<'a>, selection: &Selection, key: Option<&Path>) -> Result<Self, Failure> {
        let targets = selection.patterns()?;
        let key = key.map(|key| world.dir().join(key));
        let overrides = Overrides { targets, services: selection.services.clone(), key };
        let loaded = load(world, &overrides)?;
        let store = Store::open(&loaded.config.cache)?;
        let lock = Lock::read(&loaded.config.root)?;
        let (host, events, configuration) = (world.host, world.events, loaded.file);
        let (home, decided, parent, module_tags) = (loaded.config.root.clone(), None, None, Vec::new());
        Ok(Self { host, events, config: loaded.config, home, decided, parent, module_tags, configuration, store, lock })
    }

    /// Takes the project's lock and opens its records.
    pub fn records(&self) -> Result<Records, Failure> {
        Ok(Records::open(&self.home)?)
    }

    /// The layers of the images that were made last, if there is a record of them.
    pub fn released_layers(&self) -> BTreeSet<Digest> {
        recorded_images(&self.config.root, "image.json").iter().flat_map(RecordedImages::layers).collect()
    }

    /// Where the release goes.
    pub fn dist(&self) -> PathBuf {
        self.home.join("dist")
    }

    /// Finds out everything, and decides everything.
    pub fn plan(&self, aim: Aim, selection: &Selection) -> Result<(Survey, Plan), Failure> {
        let Aim { mode, repository, images } = aim;
        let (services, decided) = (selection.services.clone(), self.decided.clone());
        let request = Request { mode, repository, services, images, decided };
        let survey = survey::survey((self.host, self.events), &self.config, &self.store, (&self.lock, &request))?;
        for toolchain in &survey.toolchains {
            self.events.debug(format!(
                "{} builds {} ({:?})",
                toolchain.version,
                toolchain.dir.display(),
                toolchain.facts.trust
            ));
        }
        let plan = plan::plan(&survey, &self.config)?;
        Ok((survey, plan))
    }

    /// What is new in a release, as Markdown; a snapshot tells nothing.
    pub fn notes(&self, survey: &Survey) -> Result<Option<String>, Failure> {
        let Some(next) = &survey.next else { return Ok(None) };
        let edition = Edition::of(next, survey.release.commit.time);
        let house = House::read(&self.config)?;
        let notes = house.style()?.notes(&edition, true).map_err(SurveyError::from)?;
        Ok(Some(notes).filter(|notes| !notes.is_empty()))
    }

    /// The plan after the hooks that run before everything: they may have written sources.
    pub fn plan_after_hooks(&self, aim: Aim, selection: &Selection) -> Result<(Survey, Plan), Failure> {
        let (survey, plan) = self.plan(aim, selection)?;
        if plan.hooks.iter().all(|hook| hook.when != "before") {
            return Ok((survey, plan));
        }
        crate::build::hooks(&self.yard(&survey, &plan), &self.config.root, "before")?;
        self.plan(aim, selection)
    }

    /// Where images lie.
    pub fn places(&self) -> Places<'_> {
        Places::new(self.host, &self.config.registries, self.events)
    }

    /// The yard of the build stage.
    pub fn yard<'b>(&'b self, survey: &'b Survey, plan: &'b Plan) -> Yard<'b> {
        Yard { host: self.host, events: self.events, store: &self.store, survey, plan }
    }
}
