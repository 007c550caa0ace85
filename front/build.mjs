// Writes what the page takes from npm into src/gausswork/lab/static/vendor, with its licences.
// Run by those who change the versions in package.json: npm ci && npm run build
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { build } from "esbuild";

const vendor = new URL("../src/gausswork/lab/static/vendor/", import.meta.url);
const packages = ["preact", "htm"];

await mkdir(vendor, { recursive: true });

const versions = [];
const licences = [];
for (const name of packages) {
  const folder = new URL(`node_modules/${name}/`, import.meta.url);
  const { version, license } = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
  versions.push(`${name} ${version}`);
  const text = await readFile(new URL("LICENSE", folder), "utf8");
  licences.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
}

const { outputFiles } = await build({
  entryPoints: ["preact.js"],
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022",
  legalComments: "none",
  banner: { js: `// ${versions.join(", ")}: made by front/build.mjs; licences in LICENSES.txt` },
  write: false,
});
await writeFile(new URL("preact.js", vendor), outputFiles[0].text.replace(/[ \t]+$/gm, ""));
await writeFile(new URL("LICENSES.txt", vendor), licences.join("\n" + "-".repeat(72) + "\n\n"));
