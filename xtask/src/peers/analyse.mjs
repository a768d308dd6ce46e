// What semantic-release's commit analyser says of lists of commits: a JSON array a line on stdin, each commit with its hash and message,
// the newest first; a word a line on stdout.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const require = createRequire(pathToFileURL(`${folder}/package.json`));
const { analyzeCommits } = await import(pathToFileURL(require.resolve("@semantic-release/commit-analyzer")));
const logger = { log() {}, error() {} };
for await (const line of createInterface({ input: process.stdin })) {
  const commits = JSON.parse(line);
  const type = await analyzeCommits({ preset: "conventionalcommits" }, { commits, logger, cwd: folder });
  console.log(type ?? "none");
}
