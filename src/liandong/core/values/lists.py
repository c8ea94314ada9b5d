"""Closed lists: one place, from which the glossary is generated. Comments after `#:` give 中文."""

from __future__ import annotations

from enum import IntFlag, StrEnum


class Mode(StrEnum):
    """模式: real, drill, test, shadow and replay never mix; the mode is part of every id."""

    REAL = "real"  #: 实战
    DRILL = "drill"  #: 演练
    TEST = "test"  #: 测试
    SHADOW = "shadow"  #: 影子运行
    REPLAY = "replay"  #: 回放


class Step(StrEnum):
    """步骤: the seven steps of the route, in order."""

    INGEST = "ingest"  #: 感知接入
    DETECT = "detect"  #: 报警
    ASSESS = "assess"  #: 风险分析
    WARN = "warn"  #: 风险提示
    COORDINATE = "coordinate"  #: 联动处置
    CLOSE = "close"  #: 办结归档
    EVALUATE = "evaluate"  #: 评价


class Quality(IntFlag):
    """质量位: a reading's quality; 0 is good."""

    GOOD = 0  #: 正常
    NAN = 1  #: 非数
    OUT_OF_RANGE = 2  #: 超出物理量程
    CONFLICT = 4  #: 同刻异值
    TOO_LATE = 8  #: 超过允许迟到
    DUPLICATE = 16  #: 重复
    FUTURE = 32  #: 时间在将来
    UNCERTAIN = 64  #: 存疑


#: Readings with any of these bits say nothing about the value and are never evaluated.
UNUSABLE = int(Quality.NAN | Quality.OUT_OF_RANGE | Quality.FUTURE)


class DataKind(StrEnum):
    """数据类别: what of the readings' history is kept for how long."""

    RAW = "raw"  #: 原始报文
    READINGS = "readings"  #: 读数
    POSITIONS = "positions"  #: 定位
    WAVEFORMS = "waveforms"  #: 波形


class Statistic(StrEnum):
    """统计量: what a rule compares with its limits, computed in event time from its group's own past."""

    VALUE = "value"  #: 读数
    RATE = "rate"  #: 变化率
    ZSCORE = "zscore"  #: 偏离度
    OFFSET = "offset"  #: 偏离基准
    EWMA = "ewma"  #: 加权均值偏移
    CUSUM = "cusum"  #: 累积和
    MEAN = "mean"  #: 窗口均值
    SUM = "sum"  #: 窗口累计
    STD = "std"  #: 窗口标准差
    RANGE = "range"  #: 窗口极差
    FLAT = "flat"  #: 读数不变时长
    ROBUST_Z = "robust_z"  #: 稳健偏离度
    SEASONAL = "seasonal"  #: 周内同时段偏离度
    OUT_OF_RANGE = "out_of_range"  #: 超量程占比
    STALE = "stale"  #: 无读数时长
    SCORE = "score"  #: 组内评分


class OnSilence(StrEnum):
    """静默处置: what becomes of a rule's condition when its channel falls silent."""

    HOLD = "hold"  #: 保持
    CLEAR = "clear"  #: 解除
    UNKNOWN = "unknown"  #: 转为未知


class FindingPart(StrEnum):
    """发现的部分: what of a finding a message settles."""

    ONSET = "onset"  #: 开始
    END = "end"  #: 结束


class Verdict(StrEnum):
    """研判结论."""

    REAL = "real"  #: 真实
    FALSE = "false"  #: 误报
    TEST = "test"  #: 测试
    LOOK = "look"  #: 需现场核实


class CaseStage(StrEnum):
    """警情状态: how far the case has come."""

    OPENED = "opened"  #: 已立案
    JUDGED = "judged"  #: 已研判
    PUSHED = "pushed"  #: 已推送
    ACKNOWLEDGED = "acknowledged"  #: 已签收
    ON_SITE = "on_site"  #: 已到场
    HANDLED = "handled"  #: 已处置
    FED_BACK = "fed_back"  #: 已反馈
    REVIEWED = "reviewed"  #: 已复核
    CLOSED = "closed"  #: 已办结
    ARCHIVED = "archived"  #: 已归档
    REPORTED = "reported"  #: 已报告
    CANCELLED = "cancelled"  #: 已撤销


class OrderStatus(StrEnum):
    """工单状态."""

    ISSUED = "issued"  #: 已派发
    ACTIVE = "active"  #: 办理中
    DONE = "done"  #: 已完成
    RETURNED = "returned"  #: 已退回
    HANDED_OVER = "handed_over"  #: 已转办
    TAKEN_OVER = "taken_over"  #: 已提级
    CANCELLED = "cancelled"  #: 已撤销


class Action(StrEnum):
    """动作: the steps of human work, and what else a person may do to a case."""

    JUDGE = "judge"  #: 研判
    PUSH = "push"  #: 推送
    ACKNOWLEDGE = "acknowledge"  #: 签收
    ARRIVE = "arrive"  #: 到场
    CHECK = "check"  #: 核实
    HANDLE = "handle"  #: 处置
    FEED_BACK = "feed_back"  #: 反馈
    REVIEW = "review"  #: 复核
    CLOSE = "close"  #: 办结
    ARCHIVE = "archive"  #: 归档
    DISPOSAL_REPORT = "disposal_report"  #: 处置报告
    RETURN = "return"  #: 退回
    HAND_OVER = "hand_over"  #: 转办
    PAUSE = "pause"  #: 暂停计时
    RESUME = "resume"  #: 恢复计时
    REOPEN = "reopen"  #: 重开
    NOTE = "note"  #: 备注
    CALL = "call"  #: 通话
    REPORT = "report"  #: 上报
    TRACK = "track"  #: 跟踪
    SUPPORT = "support"  #: 技术支撑
    SELF_CORRECT = "self_correct"  #: 自行整改
    PERSUADE = "persuade"  #: 上门劝导
    ENFORCE = "enforce"  #: 执法处置
    EXTEND = "extend"  #: 延期
    DEFER = "defer"  #: 挂账
    MERGE = "merge"  #: 并案
    SPLIT = "split"  #: 分办
    TAKE_OVER = "take_over"  #: 提级办理
    CANCEL = "cancel"  #: 撤销
    ASK_HELP = "ask_help"  #: 请求协助
    ANSWER_HELP = "answer_help"  #: 答复协助
    DECIDE_DUTY = "decide_duty"  #: 裁定职责
    UNDO = "undo"  #: 更正
    URGE = "urge"  #: 催办
    SUPERVISE = "supervise"  #: 督办
    APPROVE = "approve"  #: 批准
    REFUSE = "refuse"  #: 不批准
    ANSWER_CALL = "answer_call"  #: 应答
    SIGN = "sign"  #: 签发
    RECEIVE = "receive"  #: 收讫


class ClockOrigin(StrEnum):
    """计时起点: the moment from which a clause's clock runs."""

    FINDING = "finding"  #: 报警
    OPENED = "opened"  #: 立案
    ISSUED = "issued"  #: 派发
    PUSHED = "pushed"  #: 推送
    ACKNOWLEDGED = "acknowledged"  #: 签收
    ARRIVED = "arrived"  #: 到场
    PREVIOUS = "previous"  #: 上一动作


class EscalationKind(StrEnum):
    """催督: what happens at a fraction of a limit, mildest first."""

    REMIND = "remind"  #: 提醒
    URGE = "urge"  #: 催办
    SUPERVISE = "supervise"  #: 督办
    TAKE_OVER = "take_over"  #: 提级
    CALL = "call"  #: 叫应
    NOTIFY = "notify"  #: 通报
    NONE = "none"  #: 无催督


class DraftStatus(StrEnum):
    """机制状态: how far a mechanism has come on its way into force."""

    DRAFT = "draft"  #: 起草
    CONSULTING = "consulting"  #: 征求意见
    COUNTERSIGNED = "countersigned"  #: 会签
    PROVEN = "proven"  #: 已证明
    PUBLISHED = "published"  #: 已发布
    IN_FORCE = "in_force"  #: 施行
    SUPERSEDED = "superseded"  #: 已废止
    WITHDRAWN = "withdrawn"  #: 已撤回


class DraftAction(StrEnum):
    """机制办理: what is done about a draft; the last three are the platform's own words."""

    DRAFT = "draft"  #: 起草
    CONSULT = "consult"  #: 征求意见
    OPINION = "opinion"  #: 提出意见
    DECIDE = "decide"  #: 裁定意见
    COUNTERSIGN = "countersign"  #: 会签
    PUBLISH = "publish"  #: 发布
    WITHDRAW = "withdraw"  #: 撤回
    PROVE = "prove"  #: 证明
    ENTER_FORCE = "enter_force"  #: 施行
    SUPERSEDE = "supersede"  #: 废止


class Stand(StrEnum):
    """意见: what a unit says of a row that would change for it."""

    ACCEPT = "accept"  #: 同意
    PROPOSE = "propose"  #: 建议修改
    OBJECT = "object"  #: 反对


class MeasureKind(StrEnum):
    """措施类别: what a public warning or a response asks for."""

    WARN = "warn"  #: 警示
    PREPARE = "prepare"  #: 准备
    CLOSE = "close"  #: 关
    LOWER = "lower"  #: 降
    STOP = "stop"  #: 停
    WITHDRAW = "withdraw"  #: 撤
    DISMANTLE = "dismantle"  #: 拆
    RESCUE = "rescue"  #: 救援
    PROTECT = "protect"  #: 防护
    INFORM = "inform"  #: 告知


class Cause(StrEnum):
    """办结原因."""

    REAL = "real"  #: 真实
    FALSE_BIOGAS = "false_biogas"  #: 误报·沼气干扰
    FALSE_CALIBRATION = "false_calibration"  #: 误报·标定
    FALSE_INTERFERENCE = "false_interference"  #: 误报·干扰
    FALSE_RULE = "false_rule"  #: 误报·阈值过严
    TEST = "test"  #: 测试
    DRILL = "drill"  #: 演练
    DEVICE_FAULT = "device_fault"  #: 设备故障
    DUPLICATE = "duplicate"  #: 重复
    MAINTENANCE = "maintenance"  #: 检修
    NOT_REPRODUCIBLE = "not_reproducible"  #: 未复现


class ReportKind(StrEnum):
    """报告类别."""

    UPWARD = "upward"  #: 上报
    CLOSING = "closing"  #: 处置报告


class Provenance(StrEnum):
    """出处: where a row of the mechanism comes from."""

    SOURCE = "source"  #: 文件原文
    ASSUMED = "assumed"  #: 暂定
    UNSET = "unset"  #: 未规定


class Trust(StrEnum):
    """可信度: how a number from a standard was obtained."""

    VERIFIED = "V"  #: 已核原文
    KNOWN = "K"  #: 通行知识
    UNVERIFIED = "U"  #: 未核实


class UnitKind(StrEnum):
    """单位类别."""

    DEPARTMENT = "department"  #: 政府部门
    INSTITUTION = "institution"  #: 事业单位
    FIRM = "firm"  #: 企业
    CONTRACTOR = "contractor"  #: 服务外包单位
    VOLUNTEER = "volunteer"  #: 社会力量
    TOWN = "town"  #: 镇街


class RelationKind(StrEnum):
    """关系类别: how one asset stands to another."""

    CONTAINS = "contains"  #: 包含
    FEEDS = "feeds"  #: 供给
    CROSSES = "crosses"  #: 交叉
    ADJACENT = "adjacent"  #: 相邻
    PROTECTS = "protects"  #: 防护
    CONNECTED = "connected"  #: 连通


class AreaKind(StrEnum):
    """区域层级."""

    CITY = "city"  #: 市
    DISTRICT = "district"  #: 区
    TOWN = "town"  #: 镇街
    GRID = "grid"  #: 网格


class Participation(StrEnum):
    """参与身份: why a post may see a case."""

    LEAD = "lead"  #: 牵头
    ASSIST = "assist"  #: 配合
    INFORM = "inform"  #: 知会
    SUPERVISE = "supervise"  #: 督导
    VERIFY = "verify"  #: 复核


class Capability(StrEnum):
    """权限: what a post may do; where and on what is said by the permission's scope."""

    CASE_READ = "case.read"  #: 查看警情
    CASE_ACT = "case.act"  #: 办理警情
    CASE_REOPEN = "case.reopen"  #: 重开警情
    SCORE_READ = "score.read"  #: 查看评价
    INTAKE_READ = "intake.read"  #: 查看拒收与死信
    INTAKE_REPLAY = "intake.replay"  #: 重放拒收与死信
    JOURNAL_READ = "journal.read"  #: 查看留痕
    PERSONAL_READ = "personal.read"  #: 查看个人信息
    PERSONAL_ERASE = "personal.erase"  #: 销毁个人信息
    CLOCK_CONFIRM = "clock.confirm"  #: 确认时钟
    MECHANISM_READ = "mechanism.read"  #: 查看联动机制
    MECHANISM_DRAFT = "mechanism.draft"  #: 起草联动机制
    MECHANISM_PUBLISH = "mechanism.publish"  #: 发布联动机制
    READINGS_SEND = "readings.send"  #: 报送读数
    ALARM_SHELVE = "alarm.shelve"  #: 搁置与屏蔽告警


class DataClass(StrEnum):
    """数据级别: the class of a field masks it in API, export, log and journal alike."""

    OPEN = "open"  #: 公开
    INTERNAL = "internal"  #: 内部
    PERSONAL = "personal"  #: 个人
    SENSITIVE = "sensitive"  #: 敏感


class Ground(StrEnum):
    """理由: why an act beside the steps is done; a row may know others."""

    NOT_OUR_DUTY = "not_our_duty"  #: 不属本单位职责
    WRONG_PLACE = "wrong_place"  #: 不在本单位辖区
    OWN_DUTY = "own_duty"  #: 按职责规定属其办理
    BEYOND_MEANS = "beyond_means"  #: 超出本单位能力
    NEEDS_TIME = "needs_time"  #: 需要更多时间
    NEEDS_MATERIAL = "needs_material"  #: 等待材料或设备
    NEEDS_DECISION = "needs_decision"  #: 等待上级决定
    SAME_EVENT = "same_event"  #: 同一事件
    SEVERAL_MATTERS = "several_matters"  #: 涉及多项事务
    NOT_ANSWERED = "not_answered"  #: 无人应答或逾期未办
    GRAVE = "grave"  #: 情况重大
    NO_LONGER_NEEDED = "no_longer_needed"  #: 已无须处置
    MISTAKEN = "mistaken"  #: 误操作
    NOT_JUSTIFIED = "not_justified"  #: 理由不充分


class HelpGround(StrEnum):
    """不予协助的理由: why a unit refuses another one its help; nothing else counts."""

    NO_MEANS = "no_means"  #: 无相应力量或装备
    OWN_EMERGENCY = "own_emergency"  #: 正在处置其他险情
    NOT_COMPETENT = "not_competent"  #: 不属本单位职责
    UNSAFE = "unsafe"  #: 人员安全无法保障
    NOT_LAWFUL = "not_lawful"  #: 无法律依据


class Outcome(StrEnum):
    """送达结果: what one delivery attempt came to."""

    DELIVERED = "delivered"  #: 已送达
    FAILED = "failed"  #: 失败
    UNKNOWN = "unknown"  #: 不明
    WITHDRAWN = "withdrawn"  #: 已撤回


class Repeats(StrEnum):
    """重复处理: how a channel treats a repeated delivery."""

    DROPS = "drops"  #: 自动去重
    CAN_BE_ASKED = "can_be_asked"  #: 可查询
    NEITHER = "neither"  #: 不去重也不可查


class CallOutcome(StrEnum):
    """接听情况: what ringing somebody by a gateway came to."""

    RINGING = "ringing"  #: 振铃中
    ANSWERED = "answered"  #: 已接听
    NO_ANSWER = "no_answer"  #: 无人接听
    BUSY = "busy"  #: 占线
    FAILED = "failed"  #: 呼叫失败


class Doing(StrEnum):
    """在做什么: what somebody is doing with a case at this moment."""

    VIEWING = "viewing"  #: 查看
    CALLING = "calling"  #: 打电话
    WRITING = "writing"  #: 填写


class DayKind(StrEnum):
    """日期类别: what a day is by the city's calendar."""

    WORKDAY = "workday"  #: 工作日
    RESTDAY = "restday"  #: 休息日
    HOLIDAY = "holiday"  #: 法定节假日


class Watch(StrEnum):
    """班次: which watch of a post a duty row fills; the first of those on duty answers."""

    MAIN = "main"  #: 主班
    SECOND = "second"  #: 副班
    LEADER = "leader"  #: 带班领导


class BridgeKind(StrEnum):
    """互通方式: how we and the receiver's own system exchange orders."""

    API = "api"  #: 接口
    DATABASE = "database"  #: 数据库
    FILE = "file"  #: 文件


class HeardState(StrEnum):
    """回报状态: what became of what the receiver's own system reported."""

    TAKEN = "taken"  #: 已收
    PARKED = "parked"  #: 挂起
    DONE = "done"  #: 已办
    REFUSED = "refused"  #: 已退


class RingOutcome(StrEnum):
    """试呼结果: what a monthly ring of a contact came to."""

    ANSWERED = "answered"  #: 已接通
    NO_ANSWER = "no_answer"  #: 无人接听
    WRONG_NUMBER = "wrong_number"  #: 号码有误
    FAILED = "failed"  #: 线路不通


class HoleKind(StrEnum):
    """值班漏洞: why at some moment nobody would answer as the roster promises."""

    NO_POST = "no_post"  #: 无值守岗
    NOBODY = "nobody"  #: 无人值班
    NO_DEPUTY = "no_deputy"  #: 无B角
    DOUBLE = "double"  #: 一人两班
    LEAVE = "leave"  #: 请假
    GONE = "gone"  #: 已离任
    NO_CHANNEL = "no_channel"  #: 联系不上


class WarningStage(StrEnum):
    """预警状态: how far a public warning has come."""

    DRAFTED = "drafted"  #: 已拟稿
    APPROVED = "approved"  #: 已批准
    PUBLISHED = "published"  #: 已发布
    LIFTED = "lifted"  #: 已解除
    WITHDRAWN = "withdrawn"  #: 已撤回


class WarningChange(StrEnum):
    """预警变更: what a version of a warning is to the one before."""

    ISSUE = "issue"  #: 首次发布
    UPDATE = "update"  #: 更新
    RAISE = "raise"  #: 升级
    LOWER = "lower"  #: 降级
    CANCEL = "cancel"  #: 取消


class WarningAction(StrEnum):
    """预警动作: what a person does about a public warning."""

    DRAFT = "draft"  #: 拟稿
    REVISE = "revise"  #: 修改
    APPROVE = "approve"  #: 批准
    REFUSE = "refuse"  #: 不批准
    PUBLISH = "publish"  #: 发布
    RAISE = "raise"  #: 升级
    LOWER = "lower"  #: 降级
    RESEND = "resend"  #: 重发
    RECEIVE = "receive"  #: 收讫
    DANGER_OVER = "danger_over"  #: 报告危险解除
    LIFT = "lift"  #: 解除
    WITHDRAW = "withdraw"  #: 撤回


class ResponseStage(StrEnum):
    """响应状态: whether a response is running for a flow and an area."""

    NONE = "none"  #: 未启动
    ACTIVE = "active"  #: 响应中
    ENDED = "ended"  #: 已终止


class ResponseAction(StrEnum):
    """响应动作: what a person decides or records about a response."""

    START = "start"  #: 启动
    DECLINE = "decline"  #: 不启动
    CHANGE_LEVEL = "change_level"  #: 调整级别
    MEASURE = "measure"  #: 记录措施
    RECEIVE = "receive"  #: 收讫
    END = "end"  #: 终止


class ResourceStage(StrEnum):
    """资源申请状态."""

    REQUESTED = "requested"  #: 已申请
    APPROVED = "approved"  #: 已批准
    CONTESTED = "contested"  #: 争用待裁定
    RELEASED = "released"  #: 已调出
    REQUISITIONED = "requisitioned"  #: 已征用
    RECEIVED = "received"  #: 已接收
    RETURNED = "returned"  #: 已归还
    COMPENSATED = "compensated"  #: 已补偿
    REFUSED = "refused"  #: 未批准
    CANCELLED = "cancelled"  #: 已撤销


class ResourceAction(StrEnum):
    """资源动作: what a person does about a request for a resource."""

    REQUEST = "request"  #: 申请
    APPROVE = "approve"  #: 批准
    REFUSE = "refuse"  #: 不批准
    CONTEST = "contest"  #: 提请裁定
    AWARD = "award"  #: 裁定给予
    RELEASE = "release"  #: 调出
    REQUISITION = "requisition"  #: 征用
    RECEIVE = "receive"  #: 接收
    RETURN = "return"  #: 归还
    COMPENSATE = "compensate"  #: 补偿
    CANCEL = "cancel"  #: 撤销


class AlarmStage(StrEnum):
    """告警状态: where an alarm stands, after ANSI/ISA-18.2; all but `normal` are on the list."""

    NORMAL = "normal"  #: 正常
    UNACKNOWLEDGED = "unacknowledged"  #: 报警中·未确认
    ACKNOWLEDGED = "acknowledged"  #: 报警中·已确认
    RETURNED = "returned"  #: 已恢复·未确认
    SHELVED = "shelved"  #: 搁置
    SUPPRESSED = "suppressed"  #: 屏蔽
    OUT_OF_SERVICE = "out_of_service"  #: 停用
    CLEARED = "cleared"  #: 人工解除·异常仍在


class AlarmAction(StrEnum):
    """告警动作: what a person does about an internal alarm."""

    ACKNOWLEDGE = "acknowledge"  #: 确认
    TAKE_BACK = "take_back"  #: 撤回确认
    SHELVE = "shelve"  #: 搁置
    SUPPRESS = "suppress"  #: 屏蔽
    TAKE_OUT = "take_out"  #: 停用
    CLEAR = "clear"  #: 人工解除
    RELEASE = "release"  #: 恢复提示


class HoldEnd(StrEnum):
    """恢复提示的原因: why an alarm is held back no longer."""

    EXPIRED = "expired"  #: 到期
    BY_HAND = "by_hand"  #: 人工恢复
    WORSE = "worse"  #: 级别升高
    UNCOVERED = "uncovered"  #: 超出报备范围
    ANNOUNCEMENT_OVER = "announcement_over"  #: 报备结束
    RETURNED = "returned"  #: 已恢复正常


class AnnouncementKind(StrEnum):
    """报备类别: what an owner is going to do where its sensors will feel it."""

    PURGING = "purging"  #: 放散吹扫
    TEST = "test"  #: 试验
    EXCAVATION = "excavation"  #: 开挖
    MAINTENANCE = "maintenance"  #: 检修


class AnnouncementAction(StrEnum):
    """报备动作."""

    ANNOUNCE = "announce"  #: 报备
    EXTEND = "extend"  #: 延长
    WITHDRAW = "withdraw"  #: 撤回
    END = "end"  #: 终止


class AnnouncementStage(StrEnum):
    """报备状态."""

    OPEN = "open"  #: 有效
    EXPIRED = "expired"  #: 到期
    WITHDRAWN = "withdrawn"  #: 已撤回
    ENDED = "ended"  #: 被中心终止


class GradedAction(StrEnum):
    """子平台报警动作: what a sub-platform says about an alarm that it has graded itself."""

    RAISE = "raise"  #: 报警
    UPDATE = "update"  #: 更新
    CLEAR = "clear"  #: 解除


class DeviceState(StrEnum):
    """设备状态: by how long ago it was heard; none of them says that what it watches is well."""

    LIVE = "live"  #: 在线
    LATE = "late"  #: 迟报
    SILENT = "silent"  #: 静默
    NEVER = "never"  #: 从未上线
