//! What the variables of a CI service say of the job that runs. Anybody can set them, so they decide nothing but what a
//! provenance repeats; and what contradicts the checked-out commit is not repeated.

use sealift_trust::statement::{BuilderId, Environment, SourceUrl};

use crate::host::env::Env;
use crate::sanitize::is_hazard;

/// The longest text that is repeated, in characters.
const MAX_CHARS: usize = 255;

/// A job of a CI service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which service.
    pub builder: BuilderId,
    /// What is known of it.
    pub environment: Environment,
    /// Its address.
    pub invocation: SourceUrl,
}

/// Why variables are not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// A variable that every job has is missing, or holds something else than it should.
    #[error("{0} does not say what it says in a job")]
    Variable(&'static str),
    /// The job is of another commit than the one that is released.
    #[error("{variable} is another commit than the one that is checked out")]
    Commit {
        /// The variable.
        variable: &'static str,
    },
}

/// The job that runs, if one does: of GitHub, GitLab or Gitea.
///
/// # Errors
/// A CI service is named, but what its variables say cannot be repeated.
pub fn job(env: &Env, commit: &str) -> Result<Option<Job>, Disbelief> {
    let is_set = |name: &str| env.var(name) == Some("true");
    // Gitea's runner sets GitHub's marker too.
    if is_set("GITEA_ACTIONS") {
        return actions(env, commit, BuilderId::GiteaActions).map(Some);
    }
    if is_set("GITHUB_ACTIONS") {
        return actions(env, commit, BuilderId::GithubActions).map(Some);
    }
    if is_set("GITLAB_CI") {
        return gitlab(env, commit).map(Some);
    }
    Ok(None)
}

/// GitHub's "Variables", which Gitea has under the same names.
fn actions(env: &Env, commit: &str, builder: BuilderId) -> Result<Job, Disbelief> {
    of_commit(env, "GITHUB_SHA", commit)?;
    let server = required(env, "GITHUB_SERVER_URL")?;
    let path = env.var("GITHUB_REPOSITORY").filter(|path| is_repository(path));
    let path = path.ok_or(Disbelief::Variable("GITHUB_REPOSITORY"))?;
    let repository = format!("{}/{path}", server.trim_end_matches('/'));
    let invocation = match builder {
        // Gitea counts the runs of a repository, and has no address for an attempt.
        BuilderId::GiteaActions => format!("{repository}/actions/runs/{}", number(env, "GITHUB_RUN_NUMBER")?),
        _ => {
            let (run, attempt) = (number(env, "GITHUB_RUN_ID")?, number(env, "GITHUB_RUN_ATTEMPT")?);
            format!("{repository}/actions/runs/{run}/attempts/{attempt}")
        }
    };
    let environment = Environment {
        repository: url(&repository, "GITHUB_REPOSITORY")?,
        reference: text(env, "GITHUB_REF"),
        workflow: text(env, "GITHUB_WORKFLOW_REF").or_else(|| text(env, "GITHUB_WORKFLOW")),
        event: text(env, "GITHUB_EVENT_NAME"),
        runner: text(env, "RUNNER_ENVIRONMENT"),
    };
    Ok(Job { builder, environment, invocation: url(&invocation, "GITHUB_SERVER_URL")? })
}

/// GitLab's "Predefined CI/CD variables".
fn gitlab(env: &Env, commit: &str) -> Result<Job, Disbelief> {
    of_commit(env, "CI_COMMIT_SHA", commit)?;
    let environment = Environment {
        repository: url(required(env, "CI_PROJECT_URL")?, "CI_PROJECT_URL")?,
        reference: text(env, "CI_COMMIT_REF_NAME"),
        workflow: text(env, "CI_CONFIG_PATH"),
        event: text(env, "CI_PIPELINE_SOURCE"),
        runner: text(env, "CI_RUNNER_DESCRIPTION"),
    };
    Ok(Job { builder: BuilderId::GitlabCi, environment, invocation: url(required(env, "CI_JOB_URL")?, "CI_JOB_URL")? })
}

fn of_commit(env: &Env, variable: &'static str, commit: &str) -> Result<(), Disbelief> {
    match env.var(variable) {
        None => Err(Disbelief::Variable(variable)),
        Some(named) if named == commit => Ok(()),
        Some(_) => Err(Disbelief::Commit { variable }),
    }
}

fn required<'a>(env: &'a Env, variable: &'static str) -> Result<&'a str, Disbelief> {
    env.var(variable).ok_or(Disbelief::Variable(variable))
}

/// An address of the web: such a variable may hold any text, and an address may hold a password.
fn url(text: &str, variable: &'static str) -> Result<SourceUrl, Disbelief> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    text.parse().ok().filter(|_| is_web).ok_or(Disbelief::Variable(variable))
}

fn number(env: &Env, variable: &'static str) -> Result<u64, Disbelief> {
    env.var(variable).and_then(|text| text.parse().ok()).ok_or(Disbelief::Variable(variable))
}

/// `owner/name`, and nothing that leads elsewhere.
fn is_repository(path: &str) -> bool {
    let word = |word: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !word.is_empty() && word != "." && word != ".." && word.chars().all(plain)
    };
    path.split_once('/').is_some_and(|(owner, name)| word(owner) && word(name))
}

/// A text that says something, short and without what a terminal would obey; any other is left out.
fn text(env: &Env, variable: &str) -> Option<String> {
    let fits = |text: &&str| text.chars().count() <= MAX_CHARS && !text.chars().any(|c| is_hazard(c) || c.is_control());
    env.var(variable).filter(fits).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    const GITHUB: &[(&str, &str)] = &[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", COMMIT),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_NUMBER", "7"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_REF", "refs/tags/v1.2.3"),
        ("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/release.yml@refs/tags/v1.2.3"),
        ("GITHUB_EVENT_NAME", "push"),
        ("RUNNER_ENVIRONMENT", "self-hosted"),
        ("GITHUB_TOKEN", "ghs_secret"),
        ("ACTIONS_RUNTIME_TOKEN", "secret too"),
    ];

    const GITLAB: &[(&str, &str)] = &[
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", COMMIT),
        ("CI_PROJECT_URL", "https://gitlab.example/acme/shop"),
        ("CI_JOB_URL", "https://gitlab.example/acme/shop/-/jobs/12"),
        ("CI_COMMIT_REF_NAME", "v1.2.3"),
        ("CI_CONFIG_PATH", ".gitlab-ci.yml"),
        ("CI_PIPELINE_SOURCE", "schedule"),
        ("CI_JOB_TOKEN", "secret"),
    ];

    /// The job, when some variables are other than in `base`; an empty one is not set.
    fn found(base: &[(&str, &str)], changed: &[(&str, &str)]) -> Result<Option<Job>, Disbelief> {
        job(&Env::of("/".into(), base.iter().chain(changed).copied()), COMMIT)
    }

    #[test]
    fn each_service_is_known_by_its_own_words() {
        let github = found(GITHUB, &[]).unwrap().unwrap();
        assert_eq!(github.builder, BuilderId::GithubActions);
        assert_eq!(github.invocation.as_str(), "https://github.com/acme/shop/actions/runs/4711/attempts/2");
        assert_eq!(github.environment.repository.as_str(), "https://github.com/acme/shop");
        assert_eq!(github.environment.runner.as_deref(), Some("self-hosted"));
        let gitea = found(GITHUB, &[("GITEA_ACTIONS", "true"), ("GITHUB_RUN_ATTEMPT", "")]).unwrap().unwrap();
        assert_eq!(gitea.builder, BuilderId::GiteaActions);
        assert_eq!(gitea.invocation.as_str(), "https://github.com/acme/shop/actions/runs/7");
        let gitlab = found(GITLAB, &[]).unwrap().unwrap();
        assert_eq!((gitlab.builder, gitlab.environment.event.as_deref()), (BuilderId::GitlabCi, Some("schedule")));
        assert_eq!(gitlab.invocation.as_str(), "https://gitlab.example/acme/shop/-/jobs/12");
        for job in [github, gitea, gitlab] {
            assert!(!format!("{job:?}").contains("secret"), "{job:?}");
        }
    }

    #[test]
    fn without_a_marker_there_is_no_job() {
        assert_eq!(found(GITHUB, &[("GITHUB_ACTIONS", "")]), Ok(None));
        assert_eq!(found(GITHUB, &[("GITHUB_ACTIONS", "false"), ("CI", "true")]), Ok(None));
        assert_eq!(found(GITLAB, &[("GITLAB_CI", "1")]), Ok(None));
        assert_eq!(found(&[], &[]), Ok(None));
    }

    #[test]
    fn a_job_of_another_commit_is_not_believed() {
        let other = "1".repeat(40);
        let refused = |variable| Err(Disbelief::Commit { variable });
        assert_eq!(found(GITHUB, &[("GITHUB_SHA", &other)]), refused("GITHUB_SHA"));
        assert_eq!(found(GITLAB, &[("CI_COMMIT_SHA", &other)]), refused("CI_COMMIT_SHA"));
    }

    #[test]
    fn what_no_job_has_is_not_believed() {
        let long = "9".repeat(40);
        for (name, value) in [
            ("GITHUB_SHA", ""),
            ("GITHUB_SERVER_URL", "javascript://github.com"),
            ("GITHUB_SERVER_URL", "https://user:password@github.com"),
            ("GITHUB_SERVER_URL", "https://github.com/\u{1b}[2J"),
            ("GITHUB_SERVER_URL", ""),
            ("GITHUB_REPOSITORY", "acme"),
            ("GITHUB_REPOSITORY", "acme/../other"),
            ("GITHUB_REPOSITORY", "acme/shop?x"),
            ("GITHUB_RUN_ID", "4711/../1"),
            ("GITHUB_RUN_ID", &long),
            ("GITHUB_RUN_ATTEMPT", "-1"),
        ] {
            assert!(matches!(found(GITHUB, &[(name, value)]), Err(Disbelief::Variable(_))), "{name}={value}");
        }
        for (name, value) in [("CI_JOB_URL", "file:///etc"), ("CI_PROJECT_URL", ""), ("CI_JOB_URL", "https://t@host/")]
        {
            assert!(matches!(found(GITLAB, &[(name, value)]), Err(Disbelief::Variable(_))), "{name}={value}");
        }
    }

    /// A34, A37: a branch may have almost any name.
    #[test]
    fn texts_that_command_a_terminal_are_left_out() {
        let long = "x".repeat(MAX_CHARS + 1);
        for text in ["a\u{1b}[2Jb", "a\nb", "a\u{202e}b", &long] {
            let job = found(GITHUB, &[("GITHUB_REF", text), ("GITHUB_EVENT_NAME", text)]).unwrap().unwrap();
            assert_eq!((job.environment.reference, job.environment.event), (None, None), "{text:?}");
        }
        let job = found(GITHUB, &[("GITHUB_REF", "refs/heads/$(rm -rf größe)")]).unwrap().unwrap();
        assert_eq!(job.environment.reference.as_deref(), Some("refs/heads/$(rm -rf größe)"));
    }
}
