/** The style sheet of the chat page. Calm colours, light and dark; one column at a time below 760 px. */
export const STYLES = `
:root {
  --back: #eef0f5; --card: #ffffff; --line: #dfe3ec; --text: #1d2230; --soft: #6a7286;
  --accent: #5662d9; --accent-text: #ffffff; --own: #dfe3ff; --other: #f3f5f9; --bubble: #ffffff; --key: #ffffffd9; --key-text: #4450c4;
  --wall: linear-gradient(180deg, #eef1fb, #f5f0fa); --lift: 0 1px 2px rgb(30 36 70 / 9%);
  --ok: #1f9d61; --warn: #c77700; --bad: #cf3b3b; --mark: #d3334a;
  font: 15px/1.42 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif;
  color: var(--text); background: var(--back);
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14161d; --card: #1d2029; --line: #2d3240; --text: #e8eaf2; --soft: #969eb3;
    --accent: #7d88f2; --accent-text: #11131a; --own: #343b6d; --other: #282c38; --bubble: #272b37; --key: #2c3140; --key-text: #aab2ff;
    --wall: linear-gradient(180deg, #171a23, #1b1822); --lift: none;
    --ok: #43c585; --warn: #e7a13c; --bad: #ef6a6a; --mark: #ff7b8d;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; height: 100dvh; display: flex; flex-direction: column; overflow: hidden; }
h1, h2, p { margin: 0; }
button, input, textarea { font: inherit; color: inherit; }
button { cursor: pointer; border: 1px solid var(--line); background: var(--card); border-radius: 10px; padding: 7px 12px; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-text); font-weight: 600; }

.bar { display: flex; align-items: center; gap: 12px 20px; flex-wrap: wrap; padding: 10px 20px; background: var(--card); border-bottom: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: 12px; }
.brand h1 { font-size: 17px; line-height: 1.25; }
.brand p { color: var(--soft); font-size: 13px; }
.logo { width: 36px; height: 36px; flex: none; }
.logo rect { fill: var(--accent); }
.logo path { fill: var(--accent-text); }
.connection { margin-left: auto; padding: 5px 12px 5px 10px; border-radius: 99px; background: var(--other); font-size: 13px; white-space: nowrap; }
.connection::before { content: ''; display: inline-block; width: 8px; height: 8px; margin-right: 8px; border-radius: 50%; background: var(--soft); }
.connection:empty { visibility: hidden; }
.connection-ok::before { background: var(--ok); }
.connection-failing::before { background: var(--warn); }
.connection-lost::before { background: var(--bad); }
.actions { display: flex; gap: 8px; }
.narrow, .actions .narrow { display: none; }
.actions button { font-size: 13px; padding: 6px 10px; }
.actions svg { display: block; width: 19px; height: 19px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }

.tabs { display: none; }
.columns { flex: 1; min-height: 0; display: flex; gap: 16px; padding: 16px 20px 20px; overflow-x: auto; justify-content: safe center; }
.column { flex: 1 0 320px; max-width: 480px; min-width: 0; display: flex; flex-direction: column; background: var(--card); border: 1px solid var(--line); border-radius: 18px; box-shadow: 0 6px 24px rgb(20 26 50 / 6%); overflow: hidden; }
.head { display: flex; align-items: center; gap: 11px; padding: 11px 14px; border-bottom: 1px solid var(--line); }
.who { flex: 1; min-width: 0; }
.who h2 { font-size: 15px; line-height: 1.25; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.who p { color: var(--soft); font-size: 12.5px; }
.avatar { flex: none; display: inline-grid; place-items: center; width: 38px; height: 38px; border-radius: 50%; font-weight: 600; color: #fff; background: #7a86a8; }
.avatar-0 { background: #5f6ad6; } .avatar-1 { background: #2f9d8f; } .avatar-2 { background: #c2683f; }
.avatar-3 { background: #9a57b8; } .avatar-4 { background: #3f86c9; } .avatar-5 { background: #b34f74; }
.chats { display: flex; gap: 6px; padding: 8px 12px; border-bottom: 1px solid var(--line); overflow-x: auto; }
.chip { flex: none; padding: 4px 11px; border-radius: 99px; font-size: 13px; background: none; }
.chip[aria-current] { background: var(--accent); border-color: var(--accent); color: var(--accent-text); }

.list { flex: 1; min-height: 0; overflow-y: auto; padding: 14px; background: var(--wall); display: flex; flex-direction: column; gap: 8px; scrollbar-width: thin; }
.list > :first-child { margin-top: auto; }
.empty { margin: auto !important; max-width: 260px; text-align: center; text-wrap: balance; color: var(--soft); }
.message { display: flex; flex-direction: column; gap: 5px; max-width: 88%; }
.own { align-self: flex-end; align-items: flex-end; }
.other { align-self: flex-start; align-items: stretch; }
.bubble { padding: 8px 12px 5px; border-radius: 16px; background: var(--bubble); box-shadow: var(--lift); overflow-wrap: anywhere; min-width: 60px; }
.other .bubble { border-bottom-left-radius: 5px; }
.own .bubble { background: var(--own); border-bottom-right-radius: 5px; }
.text { white-space: pre-wrap; }
.text code { font: 0.92em ui-monospace, 'Cascadia Mono', Menlo, Consolas, monospace; background: rgb(120 130 160 / 18%); padding: 1px 4px; border-radius: 5px; }
.text mark { background: none; color: var(--mark); }
.text a, .mention { color: var(--accent); }
.text .heading { font-weight: 700; font-size: 1.08em; }
.text .quote { display: block; border-left: 3px solid var(--accent); padding-left: 9px; margin: 2px 0; }
.bubble time { display: block; margin-top: 1px; text-align: right; font-size: 11.5px; color: var(--soft); }
.sender { font-size: 12.5px; font-weight: 600; color: var(--accent); }
.reply { margin: 0 0 4px; padding-left: 8px; border-left: 3px solid var(--accent); font-size: 13px; }
.reply b, .reply span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.attachment { padding: 6px 10px; margin: 2px 0 4px; border-radius: 10px; background: rgb(120 130 160 / 14%); font-size: 14px; }
.keyboard { display: flex; flex-direction: column; gap: 5px; min-width: min(300px, 100%); }
.keys { display: flex; gap: 5px; }
.key { flex: 1 1 0; min-width: 0; padding: 8px 6px; border: 1px solid transparent; border-radius: 11px; background: var(--key); box-shadow: var(--lift); font-size: 14px; font-weight: 500; text-align: center; text-decoration: none; color: var(--key-text); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.key:hover { border-color: var(--accent); }
.key:active, .key.busy { background: var(--accent); color: var(--accent-text); }
.key-link::after { content: ' ↗'; color: var(--soft); }
.own { position: relative; }
.own-actions { position: absolute; right: 100%; bottom: 2px; display: flex; padding-right: 4px; opacity: 0; }
.own:hover .own-actions, .own-actions:focus-within { opacity: 1; }
.own-actions button { border: 0; padding: 3px 4px; background: none; font-size: 13px; line-height: 1; color: var(--soft); }
.own-actions button:hover { color: var(--accent); }
.action { padding: 0 18px 6px; font-size: 13px; color: var(--soft); }

.foot { border-top: 1px solid var(--line); }
.composer { display: flex; align-items: flex-end; gap: 7px; padding: 10px; }
.composer textarea, .composer input { flex: 1; min-width: 0; padding: 8px 12px; border: 1px solid var(--line); border-radius: 14px; background: var(--back); }
.composer textarea { resize: none; max-height: 140px; scrollbar-width: none; line-height: 1.35; }
.composer textarea::placeholder, .composer input::placeholder { color: var(--soft); }
.send { width: 38px; height: 38px; padding: 0; border-radius: 50%; background: var(--accent); border-color: var(--accent); color: var(--accent-text); }
.starter { flex-direction: column; align-items: stretch; padding: 14px; }
.starter p { text-align: center; color: var(--soft); font-size: 14px; }
.starter input { font-size: 13px; text-align: center; }
.starter .primary { padding: 11px; }
.menu { position: relative; flex: none; }
.menu summary { display: grid; place-items: center; width: 38px; height: 38px; border-radius: 50%; cursor: pointer; list-style: none; font-size: 18px; color: var(--soft); user-select: none; }
.menu summary::-webkit-details-marker { display: none; }
.menu summary:hover, .menu[open] summary { background: var(--other); color: var(--text); }
.menu-items { position: absolute; z-index: 5; top: 42px; left: 0; display: flex; flex-direction: column; min-width: 170px; max-width: 300px; max-height: 320px; overflow-y: auto; padding: 5px; border: 1px solid var(--line); border-radius: 13px; background: var(--card); box-shadow: 0 10px 30px rgb(10 14 30 / 18%); }
.menu.up .menu-items { top: auto; bottom: 44px; }
.menu.right .menu-items { left: auto; right: 0; }
.menu-items button { border: 0; background: none; text-align: left; font-size: 14px; border-radius: 9px; padding: 8px 10px; }
.menu-items button:hover { background: var(--other); }

dialog { border: 1px solid var(--line); border-radius: 18px; padding: 20px; width: min(380px, calc(100vw - 32px)); background: var(--card); color: var(--text); }
dialog::backdrop { background: rgb(10 14 30 / 40%); }
dialog form { display: flex; flex-direction: column; gap: 12px; }
dialog h2 { font-size: 17px; }
dialog p { color: var(--soft); font-size: 13px; }
dialog label { display: flex; flex-direction: column; gap: 4px; font-size: 13px; color: var(--soft); }
dialog label.check { flex-direction: row; align-items: center; gap: 8px; font-size: 15px; color: var(--text); }
dialog input[type=text] { padding: 9px 12px; border: 1px solid var(--line); border-radius: 11px; background: var(--back); font-size: 15px; color: var(--text); }
.form-actions { display: flex; justify-content: flex-end; gap: 8px; margin-top: 6px; }
.toasts { position: fixed; z-index: 10; left: 50%; bottom: 22px; transform: translateX(-50%); display: flex; flex-direction: column; gap: 8px; width: max-content; max-width: calc(100vw - 32px); }
.toast { padding: 10px 16px; border-radius: 12px; background: #232838; color: #fff; font-size: 14px; box-shadow: 0 8px 26px rgb(10 14 30 / 30%); }
.toast-error { background: #b53636; }
.noscript { padding: 40px; text-align: center; }

@media (hover: none) { .own-actions { opacity: 0.7; } }
@media (max-width: 760px) {
  .wide { display: none; }
  .narrow, .actions .narrow { display: block; }
  .bar { display: grid; grid-template-columns: 1fr auto; padding: 8px 12px 7px; gap: 6px 10px; }
  .brand { gap: 10px; min-width: 0; }
  .brand h1 { font-size: 15.5px; }
  .brand p { font-size: 12px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .brand div { min-width: 0; }
  .logo { width: 32px; height: 32px; }
  .connection { grid-row: 2; grid-column: 1 / -1; margin: 0; padding: 0 0 0 2px; background: none; font-size: 12px; color: var(--soft); overflow: hidden; text-overflow: ellipsis; }
  .actions { gap: 6px; }
  .actions button { padding: 6px; }
  .tabs { display: flex; gap: 4px; padding: 6px 10px; overflow-x: auto; background: var(--card); border-bottom: 1px solid var(--line); }
  .tab { flex: none; display: flex; align-items: center; gap: 7px; padding: 4px 12px 4px 5px; border-radius: 99px; border-color: transparent; background: none; position: relative; }
  .tab[aria-current] { background: var(--own); }
  .tab .avatar { width: 26px; height: 26px; font-size: 13px; }
  .tab.unread::after { content: ''; width: 8px; height: 8px; border-radius: 50%; background: var(--accent); }
  .columns { padding: 0; gap: 0; overflow: hidden; }
  .column { display: none; flex: 1; max-width: none; border: 0; border-radius: 0; box-shadow: none; }
  .column.current { display: flex; }
  .head { padding: 5px 6px 5px 14px; }
  .head .avatar { display: none; }
  .who { display: flex; align-items: baseline; gap: 8px; }
}
`
