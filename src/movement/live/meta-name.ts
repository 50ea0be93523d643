/** What `import.meta` is called in code that was sent. */
export const metaName = 'ꙮmeta'
