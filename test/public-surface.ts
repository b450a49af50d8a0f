// Owns reading the public surface of the published packages: every export of every entry, with its kind, the first
// sentence of its documentation, and its signature. Read from the sources by the compiler that builds them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  isArrowFunction,
  isObjectLiteralExpression,
  isShorthandPropertyAssignment,
  isVariableDeclaration,
  type Node,
  type ObjectLiteralExpression,
} from "typescript/unstable/ast";
import {
  API,
  type Checker,
  type Project,
  SignatureKind,
  SymbolFlags,
  type Symbol as TypeSymbol,
} from "typescript/unstable/sync";
import { repository } from "./working-copy.ts";

export interface Export {
  readonly name: string;
  readonly kind: "class" | "constant" | "function" | "interface" | "schema" | "type";
  /** The first sentence of the doc comment, or the library of a re-export. Empty without a doc comment. */
  readonly summary: string;
  /** The declarations without comments and function bodies. */
  readonly signature: string;
  /** Tagged `@internal`: for the other Lockstep packages only. */
  readonly internal: boolean;
}

/** The exports of one `import … from "specifier"`. */
export interface Entry {
  readonly specifier: string;
  readonly exports: readonly Export[];
}

export interface PublishedPackage {
  readonly name: string;
  readonly description: string;
  readonly entries: readonly Entry[];
}

interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly private?: boolean;
  /** Sources, as the repository's own packages import them. */
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, unknown>> };
}

/** The packages that are published, in the order in which a reader meets them. */
const packages = ["kit", "server", "client", "pages"];

export const readPublicSurface = (): PublishedPackage[] => {
  const compiler = new API();
  try {
    return readdirSync(join(repository, "packages"))
      .map((directory) => join(repository, "packages", directory))
      .flatMap((root) => {
        const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
        const sources = publishedSources(manifest);
        if (manifest.private || sources.length === 0) return [];
        const config = join(root, "tsconfig.json");
        const project = compiler.updateSnapshot({ openProjects: [config] }).getProject(config);
        if (!project) throw new Error(`${config} is no project`);
        const entries = sources.map(([path, source]) => ({
          specifier: join(manifest.name, path),
          exports: exportsOf(project, join(root, source)),
        }));
        return [{ name: manifest.name, description: manifest.description ?? "", entries }];
      })
      .sort((a, b) => positionOf(a) - positionOf(b));
  } finally {
    compiler.close();
  }
};

const positionOf = ({ name }: PublishedPackage) => packages.indexOf(name.replace("@lockstep/", ""));

/** The entries of a package that are published and have types, each with its source. */
const publishedSources = ({ exports = {}, publishConfig }: Manifest): [path: string, source: string][] =>
  Object.keys(publishConfig?.exports ?? {}).flatMap((path): [string, string][] => {
    const source = exports[path];
    return typeof source === "string" && /\.tsx?$/.test(source) ? [[path, source]] : [];
  });

const exportsOf = (project: Project, file: string): Export[] => {
  const { checker, program } = project;
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is not in ${project.configFileName}`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => exportOf(project, symbol))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
};

const exportOf = (project: Project, exported: TypeSymbol): Export => {
  const { checker } = project;
  const symbol = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const nodes = symbol.declarations.map((handle) => {
    const node = handle.resolve(project);
    if (!node) throw new Error(`${exported.name} has no declaration`);
    return node;
  });
  const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(
    symbol.declarations[0]?.path ?? "",
  )?.[1];
  if (library)
    return {
      name: exported.name,
      kind: kindOf(checker, symbol, nodes),
      summary: `Re-exported from \`${library}\`.`,
      signature: `export { ${exported.name} } from "${library}"`,
      internal: false,
    };
  return {
    name: exported.name,
    kind: kindOf(checker, symbol, nodes),
    summary: firstSentenceOf(checker.getDocumentationCommentOfSymbol(symbol)),
    signature: nodes.map((node) => signatureOf(project, node)).join("\n"),
    internal: checker.getJsDocTagsOfSymbol(symbol).some(({ name }) => name === "internal"),
  };
};

const kindOf = (checker: Checker, { flags }: TypeSymbol, nodes: readonly Node[]): Export["kind"] => {
  if (flags & SymbolFlags.Class) return "class";
  if (flags & SymbolFlags.Interface) return "interface";
  if (flags & SymbolFlags.TypeAlias) return flags & SymbolFlags.Variable ? "schema" : "type";
  const type = nodes[0] && checker.getTypeAtLocation(nodes[0]);
  return type && checker.getSignaturesOfType(type, SignatureKind.Call).length > 0 ? "function" : "constant";
};

const firstSentenceOf = (comment: string): string => {
  const text = comment.replaceAll(/\s+/g, " ").trim();
  return /^.*?[.!?](?= [A-Z`]|$)/.exec(text)?.[0] ?? text;
};

/** A declaration without comments; of a function, all but its body; of an object, also the constants that it lists. */
const signatureOf = (project: Project, node: Node): string => {
  const { checker, emitter } = project;
  const text = emitter.printNode(node);
  if (!isVariableDeclaration(node)) return text.replace(/^export /, "");
  const { initializer } = node;
  if (initializer && isObjectLiteralExpression(initializer))
    return [`const ${text}`, ...listedIn(project, initializer).map((listed) => signatureOf(project, listed))].join(
      "\n",
    );
  if (!initializer || !isArrowFunction(initializer)) return `const ${text}`;
  const head = text.slice(0, text.length - emitter.printNode(initializer.body).length).replace(/ => $/, "");
  if (initializer.type) return `const ${head}`;
  const signature = checker.getSignatureFromDeclaration(initializer);
  const result = signature && checker.getReturnTypeOfSignature(signature);
  return `const ${head}: ${result ? checker.typeToString(result, initializer) : "unknown"}`;
};

/** The declarations behind the shorthand properties of an object. */
const listedIn = (project: Project, { properties }: ObjectLiteralExpression): Node[] =>
  properties.filter(isShorthandPropertyAssignment).flatMap((property) => {
    const value = project.checker.getShorthandAssignmentValueSymbol(property);
    if (!value) throw new Error("A shorthand property has no value");
    const symbol = value.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(value) : value;
    return symbol.declarations.flatMap((handle) => handle.resolve(project) ?? []);
  });
