/** The look of the pages a person meets: one column, the reader's own light or dark. */
export const stylesheet = `
:root { color-scheme: light dark; --accent: #2f5bea; --fine: light-dark(#5b6270, #a3a9b5); }
body { margin: 0; font: 17px/1.55 system-ui, sans-serif; background: light-dark(#f4f5f8, #14161b); }
main { max-width: 32rem; margin: 12vh auto; padding: 2rem 2.25rem; border-radius: 14px;
  background: light-dark(#fff, #1e2128); box-shadow: 0 8px 30px rgb(0 0 0 / 8%); }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.2; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; margin: 1.25rem 0 1.75rem; }
dt { color: var(--fine); }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
a.button, button { display: inline-block; padding: .55rem 1.1rem; border: 0; border-radius: 8px; font: inherit;
  color: #fff; background: var(--accent); text-decoration: none; cursor: pointer; }
a.button:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.choices { list-style: none; padding: 0; display: grid; gap: .75rem; }
.fine { margin-top: 2rem; font-size: .85rem; color: var(--fine); overflow-wrap: anywhere; }
`
