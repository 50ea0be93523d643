// The public API of each entry, as reports in docs/api that show in a diff what a change does to it.
// `node scripts/api.mjs` writes them, `node scripts/api.mjs --check` fails when they are not up to date.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const isCheck = process.argv.includes('--check')

/** By which the compiler works out what the children of a spec are, and what may be given. Nobody has to name them. */
const unnamed =
  /"(?:Handles|CheckedChild|CheckedSpec|KindOf|PathOf|SpecAt|ChildIdOf|Given|GivenPart|Known)" needs to be exported/

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

for (const [subpath, entry] of Object.entries(manifest.exports)) {
  if (typeof entry === 'string') continue
  const name = [manifest.name, ...subpath.split('/').slice(1)].join('-')
  for (const fault of report(name, join(root, entry.types))) {
    process.exitCode = 1
    console.error(fault)
  }
}

/**
 * @param {string} name
 * @param {string} entryFile
 * @returns {string[]} what is wrong: with the entry, or, in a check, with the report
 */
function report(name, entryFile) {
  const reportFolder = join(root, 'docs/api')
  mkdirSync(reportFolder, { recursive: true })
  const isMissing = !existsSync(join(reportFolder, `${name}.api.md`))
  /** @type {string[]} */
  const faults = []
  const { apiReportChanged } = Extractor.invoke(configuration(name, entryFile, reportFolder), {
    localBuild: !isCheck,
    messageCallback(message) {
      message.handled = true
      const isFault =
        message.logLevel === ExtractorLogLevel.Error || message.logLevel === ExtractorLogLevel.Warning
      const isUnnamed = message.messageId === 'ae-forgotten-export' && unnamed.test(message.text)
      if (isFault && !isUnnamed && !message.messageId.startsWith('console-'))
        faults.push(message.formatMessageWithLocation(root))
    },
  })
  if (isCheck && (apiReportChanged || isMissing)) {
    faults.push(`docs/api/${name}.api.md is not what dist exports: see the difference with \`npm run api\``)
  }
  return faults
}

/**
 * @param {string} name
 * @param {string} entryFile
 * @param {string} reportFolder
 */
function configuration(name, entryFile, reportFolder) {
  return ExtractorConfig.prepare({
    configObjectFullPath: join(root, 'api-extractor.json'),
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entryFile,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            lib: ['es2023', 'esnext.disposable'],
            module: 'nodenext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [entryFile],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder,
        reportTempFolder: join(root, 'node_modules/.cache/maltster-api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning },
          // No `@public` on every export: what an entry exports is public.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          'ae-internal-missing-underscore': { logLevel: ExtractorLogLevel.None },
          // Docstrings are the matter of test/rules/public-docs.test.ts.
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
          'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  })
}
