// Compiles contracts/solidity/*.sol and writes one artefact per deployable contract.
//
//   node contracts/build/compile.mjs --modules <node_modules> [--out <folder>]
//
// <node_modules> is where `npm ci` put the packages of contracts/package-lock.json; <folder> is contracts/artifacts unless
// told otherwise. The same sources and lock file give the same bytes on every machine:
//  - source units are named relative to contracts/solidity and to the package, never by a path of this machine;
//  - keys are sorted, and no time, host or user is written;
//  - metadata.bytecodeHash stays `ipfs`. The hash covers compiler, settings and the sources with their comments, all of
//    which are pinned, so it is as reproducible as `none`, and it lets anybody who has only the code on the chain prove
//    which sources it came from.
// Warnings in our own sources are errors.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const CONTRACTS = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const SOLIDITY = join(CONTRACTS, "solidity");
const LIBRARY = "@openzeppelin/contracts/";

const SETTINGS = {
  // The networks that the tokens must run on (RBB, the QBFT test network) follow Berlin rules. Newer compilers warn that
  // they will drop these, hence the pinned version; OpenZeppelin from 5.5 on needs instructions of Cancun.
  evmVersion: "berlin",
  metadata: { bytecodeHash: "ipfs" },
  optimizer: { enabled: true, runs: 200 },
};

function main() {
  const { values } = parseArgs({ options: { modules: { type: "string" }, out: { type: "string" } } });
  if (!values.modules) {
    fail("usage: node compile.mjs --modules <node_modules> [--out <folder>]");
  }
  const modules = resolve(values.modules);
  const out = resolve(values.out ?? join(CONTRACTS, "artifacts"));

  const compiler = loadCompiler(modules);
  const sources = ownSources();
  const output = compile(compiler, sources, modules);

  mkdirSync(out, { recursive: true });
  for (const unit of Object.keys(sources)) {
    for (const [name, contract] of Object.entries(output.contracts[unit] ?? {})) {
      if (contract.evm.bytecode.object === "") continue; // abstract contract or interface
      const artefact = sorted(artefactOf(unit, name, contract));
      writeFileSync(join(out, `${name}.json`), JSON.stringify(artefact, null, 2) + "\n");
    }
  }
}

function loadCompiler(modules) {
  const require = createRequire(join(modules, "package.json"));
  try {
    return require("solc");
  } catch (error) {
    fail(`no solc in ${modules}, run \`npm ci\` beside contracts/package-lock.json first: ${error.message}`);
  }
}

function ownSources() {
  const names = readdirSync(SOLIDITY).filter((name) => name.endsWith(".sol")).sort();
  return Object.fromEntries(names.map((name) => [name, { content: readFileSync(join(SOLIDITY, name), "utf8") }]));
}

function compile(compiler, sources, modules) {
  const input = {
    language: "Solidity",
    sources,
    settings: {
      ...SETTINGS,
      outputSelection: {
        "*": { "*": ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"] },
      },
    },
  };
  const output = JSON.parse(compiler.compile(JSON.stringify(input), { import: (unit) => library(unit, modules) }));
  const problems = (output.errors ?? []).filter((problem) => {
    return problem.severity === "error" || !problem.sourceLocation?.file.startsWith(LIBRARY);
  });
  if (problems.length > 0) {
    fail(problems.map((problem) => problem.formattedMessage).join("\n"));
  }
  return output;
}

// Only files of the contract library may be imported from outside the source folder.
function library(unit, modules) {
  const path = resolve(modules, unit);
  if (!path.startsWith(resolve(modules, LIBRARY) + sep)) {
    return { error: `${unit} is neither in contracts/solidity nor in ${LIBRARY}` };
  }
  try {
    return { contents: readFileSync(path, "utf8") };
  } catch (error) {
    return { error: `cannot read ${unit}: ${error.message}` };
  }
}

function artefactOf(unit, name, contract) {
  const metadata = JSON.parse(contract.metadata);
  const hashes = Object.entries(metadata.sources).map(([source, { keccak256 }]) => [source, keccak256]);
  return {
    abi: contract.abi,
    bytecode: "0x" + contract.evm.bytecode.object,
    compiler: { name: "solc", version: metadata.compiler.version },
    contractName: name,
    deployedBytecode: "0x" + contract.evm.deployedBytecode.object,
    immutableReferences: contract.evm.deployedBytecode.immutableReferences,
    settings: SETTINGS,
    sourceName: unit,
    // keccak256 of every source unit that the contract is made of.
    sources: Object.fromEntries(hashes),
  };
}

// Objects by key, arrays in the compiler's order.
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

main();
