/** Makes the arguments of components from the plain ones: every part of them may be an output, to be known later. */
import type * as pulumi from "@pulumi/pulumi";

/** A value of which each part may be known later. */
type Nested<V> = V extends readonly (infer Item)[]
  ? InputOf<Item>[]
  : V extends object
    ? Inputs<V>
    : V;

type InputOf<V> = pulumi.Input<unknown extends V ? unknown : Nested<V>>;

/**
 * The plain arguments `T` as a program may give them: each of them, and each part of one, may be an output. Their
 * documentation is kept, and so is which of them are optional.
 */
export type Inputs<T> = {
  [Name in keyof T]: undefined extends T[Name]
    ? InputOf<Exclude<T[Name], undefined>> | Extract<T[Name], undefined>
    : InputOf<T[Name]>;
};
