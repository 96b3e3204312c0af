// Lets a class put a private field on an object that is there already: a mark that cannot be forged, and is not seen.

export class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: that is what it is for
    return object;
  }
}
