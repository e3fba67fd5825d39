import { render } from 'preact'
import { App } from './shell/App'
import './style/tokens.css'
import './style/base.css'
import './style/controls.css'
import './style/parts.css'
import './style/shell.css'
import { applyTheme } from './ui/theme'

applyTheme()
render(<App />, document.getElementById('console')!)
