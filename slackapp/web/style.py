"""The one style sheet. Its hash stands in the Content-Security-Policy, so that no other style applies."""

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f6f5f2; color: #1d1c1d; font: 1.0625rem/1.55 system-ui, sans-serif; }
main { max-width: 36rem; margin: 5vh auto 3rem; padding: 2.25rem 2rem; background: #fff;
       border: 1px solid #dddad3; border-radius: 14px; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; line-height: 1.3; }
p, li { margin: 0 0 .9rem; overflow-wrap: break-word; }
li { margin-bottom: .5rem; }
ul, ol { padding-left: 1.3rem; }
a { color: #0b5cad; }
a:focus-visible { outline: 3px solid #1264a3; outline-offset: 3px; }
.button { display: inline-block; margin: .6rem 0 1rem; padding: .85rem 1.5rem; border-radius: 8px;
          background: #4a154b; color: #fff; font-weight: 600; text-decoration: none; }
.button:hover { background: #611f69; }
.note { color: #55514c; font-size: .9375rem; }
.unsaid { color: #a1260d; }
.foot { margin: 2.2rem 0 0; padding-top: .6rem; border-top: 1px solid #dddad3; }
.foot a { display: inline-block; padding: .6rem 1.2rem .6rem 0; }
code { background: #f1efea; padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere; }
@media (max-width: 40rem) { main { margin: 0; border: 0; border-radius: 0; padding: 2rem 1.25rem; } }
"""
