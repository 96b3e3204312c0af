// A doubly linked list whose links live in its items: removing one costs a few assignments and no garbage.
// Measured need: every send enters and leaves one (its deadline), every touch of an entity moves it in another.

export interface Link<T> {
  previous: T | null;
  next: T | null;
}

export class Chain<T extends Link<T>> {
  #first: T | null = null;
  #last: T | null = null;

  get first(): T | null {
    return this.#first;
  }

  append(item: T): void {
    item.previous = this.#last;
    item.next = null;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /** The item must be in this chain. */
  remove(item: T): void {
    if (item.previous === null) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === null) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.previous = null;
    item.next = null;
  }
}
