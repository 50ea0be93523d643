interface WithObjects {
  /** Objects that are part of it. */
  readonly objects: ReadonlySet<object>
}

/**
 * Objects that are part of several of these.
 * @param held - what is in one of them counts if it is in another one, or in one of the others
 * @param others - what is only in these does not count
 */
export function sharedObjects(held: Iterable<WithObjects>, others: Iterable<WithObjects>): object[] {
  const ofHeld = new Set<object>()
  const shared: object[] = []
  for (const { objects } of held) {
    for (const object of objects) {
      if (ofHeld.has(object)) shared.push(object)
      ofHeld.add(object)
    }
  }
  for (const { objects } of others) {
    const [few, many] = ofHeld.size < objects.size ? [ofHeld, objects] : [objects, ofHeld]
    for (const object of few) if (many.has(object)) shared.push(object)
  }
  return shared
}
