/** What is wrong with a text that is not YAML, for people who have never read its specification: what to look for, and what to do. */
import type { ErrorCode } from 'yaml';

const noTags = 'tags (!name) are not allowed: write the value alone';
const noAnchors = 'anchors (&name) and aliases (*name) are not allowed: write the value again';
const oneLineKey = 'expected a key and its colon on one line, such as rounds: 4';

/** By the parser's code. */
export const yamlWords: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: noAnchors,
  BAD_ALIAS: noAnchors,
  MULTIPLE_ANCHORS: noAnchors,
  BAD_COLLECTION_TYPE: noTags,
  BAD_PROP_ORDER: noTags,
  MULTIPLE_TAGS: noTags,
  TAG_RESOLVE_FAILED: noTags,
  BAD_DIRECTIVE: 'lines that begin with % are not allowed: take the line away',
  BAD_DQ_ESCAPE: 'an unknown \\ in double quotes: write the text in single quotes',
  BAD_INDENT:
    'indented otherwise than the lines around it, or after a bracket that is not closed: give all keys of a section the same number of spaces',
  BAD_SCALAR_START: 'a text may not begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'expected one key and one value on a line: put a text with a colon in quotes, and give all keys of a section the same number of spaces',
  BLOCK_IN_FLOW:
    'expected everything inside brackets written in brackets: no lines with - or keys of their own there',
  DUPLICATE_KEY: 'this key stands twice in its section: take one of them away',
  IMPOSSIBLE: 'expected YAML: keys with values, such as rounds: 4',
  KEY_OVER_1024_CHARS: 'expected a key of at most 1024 characters',
  MISSING_CHAR:
    'something is missing: a colon and a space after a key, a closing quote or bracket, a comma, or a space before a #',
  MULTILINE_IMPLICIT_KEY: oneLineKey,
  MULTIPLE_DOCS: 'expected one document: take the line --- away',
  NON_STRING_KEY: oneLineKey,
  RESOURCE_EXHAUSTION: 'too deep to be read: expected settings',
  TAB_AS_INDENT: 'indented by a tab: use spaces',
  UNEXPECTED_TOKEN:
    'expected a key with a value here: look for a bracket, quote or comma too many, or one that is missing before',
};
