import { createRequire } from 'node:module';

type Decorator = (target: object, key?: string | symbol, place?: never) => void;
type Factory = (...args: never[]) => Decorator;

/**
 * Decorators of a package that takes long to load, and that a server which only issues tokens never needs. What they say is kept, in its order, until
 * the package itself is asked for; it hears then what it would have heard while the classes were made.
 */
export class DeferredDecorators<Package extends object> {
  private loaded: Package | undefined;
  private waiting: ((loaded: Package) => void)[] = [];

  /** @param packageName as it stands in an import of this module */
  constructor(private readonly packageName: string) {}

  /** The decorator of that name, to be used like the package's own. Its arguments are not changed until then. */
  of<Name extends keyof Package>(name: Name): Package[Name] {
    const deferred =
      (...args: never[]): Decorator =>
      (...place) => this.tell((loaded) => (loaded[name] as Factory)(...args)(...place));
    return deferred as unknown as Package[Name];
  }

  /** The package, which knows all that has been said. The first call loads it, and takes that long. */
  load(): Package {
    if (this.loaded) return this.loaded;
    const loaded = createRequire(__filename)(this.packageName) as Package;
    for (const say of this.waiting) say(loaded);
    this.waiting = [];
    this.loaded = loaded;
    return loaded;
  }

  private tell(say: (loaded: Package) => void): void {
    if (this.loaded) say(this.loaded);
    else this.waiting.push(say);
  }
}
