/** Pages to return to that would lead away from `home`, or be more than a path of it. */
export const elsewhere = (home: string): string[] => [
  ...['//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', 'https:evil.example'],
  ...['https://evil.example/', 'http://usher.example/', `${home}.evil.example/`, `${home}@evil.example/`],
  ...['evil', '@evil.example', '/@evil.example', 'javascript:alert(1)', 'data:text/html,x', 'x'],
  ...[
    '/%2f/evil.example',
    '/%2Fevil.example',
    '/%252fevil.example',
    '/%5cevil.example',
    '%2f%2fevil.example',
    // No text as a whole, for which a part is not less dangerous.
    ...['/%5cevil.example%ff', '/%2Fevil.example%', '/%40evil.example%zz', '/a%0d%0ax:y%c3'],
  ],
  ...[
    '/a/..//evil.example',
    '/.//evil.example',
    '/%2e//evil.example',
    '/a/%2e%2e//evil.example',
    '/./@evil.example',
  ],
  ...['/a\r\nset-cookie: x=y', '/a%0d%0aset-cookie:x', '/\t/evil.example', '/%09/evil.example', '/a\0'],
  ...[`${home}//evil.example`, `${home}/\\evil.example`, '/a\\b', ' /a', '/\ud800', `/${'a'.repeat(3000)}`],
]
