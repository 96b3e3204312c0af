// Types that are compared by the compiler: hold<Equal<A, B>>() is a compile error unless they are the same.

/** True only for two types that are the same; `any` equals nothing but `any`. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function hold<T extends true>(): T | undefined {
  return undefined;
}
