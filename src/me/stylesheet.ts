/** The look of the pages a person meets: one column, the reader's own light or dark, nothing fetched from elsewhere. */
export const stylesheet = `
:root { color-scheme: light dark; --page: #f3f4f8; --card: #fff; --text: #1b1e26; --fine: #565d6b; --line: #dfe2ea;
  --accent: #2f5bea; --pressed: #2348c4; --focus: #2f5bea; --fault: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161b; --card: #1e2128; --text: #eceef3; --fine: #a9afbb; --line: #343945;
    --accent: #3a63ee; --pressed: #2c50d0; --focus: #9db4ff; --fault: #ff9c94; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 1.0625rem/1.55 system-ui, sans-serif; color: var(--text); background: var(--page); }
header { display: flex; align-items: center; gap: .75rem; width: min(33rem, 100% - 2rem); margin: clamp(1rem, 8vh, 5rem) auto 1rem;
  font-weight: 600; overflow-wrap: anywhere; }
header img { max-width: 10rem; max-height: 3rem; }
header + main { margin-top: 0; }
main { width: min(33rem, 100% - 2rem); margin: clamp(1rem, 12vh, 8rem) auto 2rem; padding: clamp(1.25rem, 5vw, 2.25rem);
  border: 1px solid var(--line); border-radius: 14px; background: var(--card); overflow-wrap: anywhere; }
h1 { margin: 0 0 1rem; font-size: 1.65rem; line-height: 1.2; text-wrap: balance; }
p { margin: 0 0 1rem; }
main > :last-child { margin-bottom: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .45rem 1.5rem; margin: 1.25rem 0 1.75rem; }
dt { color: var(--fine); }
dd { margin: 0; font-weight: 600; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem 1.25rem; margin: 1.5rem 0 0; }
.button { display: inline-block; padding: .55rem 1.15rem; border: 1px solid transparent; border-radius: 8px; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; color: #fff; background: var(--accent); cursor: pointer; }
.button:hover, .button:active { background: var(--pressed); }
a:not(.button) { color: inherit; text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
.checklist { margin: 1.75rem 0 0; padding: 1.25rem 0 0; border-top: 1px solid var(--line); }
.checklist h2 { margin: 0 0 .5rem; font-size: 1.2rem; line-height: 1.3; }
.checklist ol { display: grid; gap: .9rem; margin: 0 0 1rem; padding: 0 0 0 1.5rem; }
.checklist form { margin: .4rem 0 0; }
.checklist p { margin: .2rem 0 0; }
.state { font-size: .9375rem; color: var(--fine); }
.quiet { padding: .35rem .8rem; border: 1px solid var(--fine); border-radius: 8px; font: inherit; font-size: .9375rem;
  color: inherit; background: transparent; cursor: pointer; }
.choices { display: grid; gap: .75rem; margin: 0; padding: 0; list-style: none; }
.choices .button { display: block; }
label { display: block; font-weight: 600; margin: 0 0 .4rem; }
input { width: 100%; padding: .6rem .75rem; border: 1px solid var(--fine); border-radius: 8px; font: inherit; color: inherit;
  background: transparent; }
input[aria-invalid] { border-color: var(--fault); }
.hint { margin: .4rem 0 0; font-size: .9375rem; color: var(--fine); }
.fault { margin: 0 0 .4rem; color: var(--fault); }
code { font: .95em ui-monospace, monospace; }
.fine { margin: 2rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; color: var(--fine); }
.fine dd { font-weight: inherit; }
@media (max-width: 26rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .6rem; }
}
`
