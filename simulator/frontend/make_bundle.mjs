// Bundles the frontend in the working folder into one file beside it, as the entry `bundle` of its package.json says, and records
// what it was made of: the notices of the packages inside, and the hash of every source, which a test compares with the sources,
// so that a bundle of other sources is known without node.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { build } = createRequire(`${process.cwd()}/`)("esbuild");
const { entry, name, licences, target } = JSON.parse(readFileSync("package.json", "utf8")).bundle;

const result = await build({
  entryPoints: [entry],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  jsx: "automatic",
  charset: "utf8",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".css": "text" },
  metafile: true,
  write: false,
});
const script = result.outputFiles[0].text;

const bundled = Object.keys(result.metafile.inputs).filter(path => path.startsWith("node_modules/"));
const names = [...new Set(bundled.map(path => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)[1]))].sort();
const notices = names.map(name => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find(one => /^licen[cs]e/i.test(one));
  const text = file ? readFileSync(`${folder}/${file}`, "utf8").trim() : "";
  return `${name} ${version} (${license})\n\n${text}\n`;
});
const header = `Packages inside ${name}, each with its licence.\n`;
writeFileSync(`../${licences}`, [header, ...notices].join(`\n${"-".repeat(80)}\n\n`).replace(/[ \t\r]+$/gm, ""));

const sources = ["package.json", "package-lock.json", "tsconfig.json", ...readdirSync("src").map(one => `src/${one}`)].sort();
const hash = createHash("sha256");
for (const one of sources) hash.update(`${one}\0`).update(readFileSync(one)).update("\0");
hash.update("make_bundle.mjs\0").update(readFileSync(new URL(import.meta.url))).update("\0");
writeFileSync(`../${name}`, `// Made of frontend/${target}/ by \`make ${target}\`: ${hash.digest("hex")}\n${script}`);
console.log(`${name}: ${script.length} characters, ${names.length} packages`);
