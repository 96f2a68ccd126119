/**
 * Modules that are loaded when something of them is used, not when they are required. It needs no change of what requires
 * them: `require` gives what stands in its cache under a file's name.
 */
import Module, { createRequire } from "node:module";

/** What a module exports, by name. */
type Exports = Record<PropertyKey, unknown>;

/**
 * Defers the module `name`, as `from` finds it, for all who require it until the function that comes back is called. Who
 * requires it later gets the module itself. A module that is not found, or is loaded already, is left alone.
 *
 * @param known - what of the exports is known without the module; `undefined` if a name needs the module
 */
export function defer(
  from: NodeJS.Require,
  name: string,
  known: (property: PropertyKey) => unknown = () => undefined,
): () => void {
  const file = fileOf(from, name);
  if (file === undefined || from.cache[file] !== undefined) return () => undefined;
  const standIn = new Module(file);
  const end = (): void => {
    if (from.cache[file] === standIn) Reflect.deleteProperty(from.cache, file);
  };
  let loaded: Exports | undefined;
  const load = (): Exports => {
    end();
    return (loaded ??= from(file) as Exports);
  };
  standIn.loaded = true;
  standIn.exports = new Proxy<Exports>(
    {},
    {
      get(_, property) {
        // `import * as name`, as TypeScript compiles it, copies every export of what is no ES module, and so would load it.
        if (property === "__esModule") return true;
        const value = loaded === undefined ? known(property) : undefined;
        if (value !== undefined) return value;
        const exported = load();
        return property === "default" && exported["__esModule"] !== true
          ? exported
          : exported[property];
      },
      set: (_, property, value) => Reflect.set(load(), property, value),
      has: (_, property) => property in load(),
      ownKeys: () => Reflect.ownKeys(load()),
      getOwnPropertyDescriptor(_, property) {
        const found = Reflect.getOwnPropertyDescriptor(load(), property);
        // A proxy may not call a property fixed that its own target does not have.
        return found && { ...found, configurable: true };
      },
    },
  );
  from.cache[file] = standIn;
  return end;
}

function fileOf(from: NodeJS.Require, name: string): string | undefined {
  try {
    return from.resolve(name);
  } catch {
    return undefined;
  }
}

/** `require` as the program in `folder` has it. */
export function requireOf(folder: string): NodeJS.Require {
  return createRequire(`${folder}/package.json`);
}
